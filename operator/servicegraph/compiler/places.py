"""The places that only the cluster knows: the internet, nodes, the API server, a Service's addresses outside.

Rules R10, R11 and R17: addresses come from the ClusterProfile or from what the cluster shows, and are never guessed.
"""

from servicegraph.compiler.apiserver import locate
from servicegraph.compiler.peers import Peers, error, failed, incomplete
from servicegraph.compiler.terms import Finding
from servicegraph.compiler.view import View
from servicegraph.model.addresses import EVERYWHERE, LINK_LOCAL, contains, single, within
from servicegraph.model.graph import Place
from servicegraph.model.policy import ANY_PEER, AddressPeer, Direction, EntityPeer, Peer
from servicegraph.model.ports import PortRange
from servicegraph.model.problems import Code
from servicegraph.model.profile import ClusterProfile

_MOST_ADDRESSES = 100


def place_peers(place: Place, direction: Direction, view: View) -> Peers:
    """A place by its addresses, as NetworkPolicies say it."""
    match place:
        case Place.ANYWHERE:
            return Peers((ANY_PEER,))
        case Place.INTERNET:
            return _internet(view)
        case Place.NODES:
            return _nodes(view)
        case Place.KUBE_API_SERVER:
            return _api_server(view) if direction is Direction.EGRESS else _webhooks(view.profile)


def place_entities(place: Place, direction: Direction, view: View) -> Peers:
    """A place as Cilium knows it: its CIDR rules pass over nodes and the API server.

    https://docs.cilium.io/en/stable/security/policy/language/#entities-based
    """
    match place:
        case Place.NODES:
            return Peers((EntityPeer("host"), EntityPeer("remote-node")))
        case Place.KUBE_API_SERVER if direction is Direction.INGRESS:
            return Peers((EntityPeer("kube-apiserver"),))
        case Place.KUBE_API_SERVER:
            ports = locate(view).ports
            if not ports:
                return incomplete("on which port the API server is", ["apiServer.port"])
            return Peers((EntityPeer("kube-apiserver"),), ports=tuple(PortRange("TCP", p, p) for p in ports))
        case _:
            return place_peers(place, direction, view)


def outside_peers(addresses: tuple[str, ...], view: View) -> Peers:
    """The addresses of a Service without selector as peers (R10): at most 100, none of the cluster's own."""
    if missing := _unknown_ranges(view):
        return incomplete("whether its addresses are the cluster's own", missing)
    if len(addresses) > _MOST_ADDRESSES:
        message = f"the Service has {len(addresses)} addresses, at most {_MOST_ADDRESSES} become rules: write a cidr"
        return failed(Code.EXTERNAL_SERVICE, message)
    forbidden = _inside(view)
    peers: list[Peer] = []
    findings: list[Finding] = []
    for cidr in map(single, addresses):
        inside = next((r for r in forbidden if contains(r, cidr)), None)
        if inside is None:
            peers.append(AddressPeer(cidr))
        else:
            message = f"its address {cidr} is inside {inside}: a rule for it could open pods or nodes of others"
            findings.append(error(Code.EXTERNAL_SERVICE, message))
    return Peers(tuple(peers), tuple(findings))


def _internet(view: View) -> Peers:
    if missing := _unknown_ranges(view):
        return incomplete("what is inside the cluster", missing)
    inside = _inside(view)
    return Peers(tuple(AddressPeer(whole, within(whole, inside)) for whole in EVERYWHERE))


def _nodes(view: View) -> Peers:
    cidrs = _node_ranges(view)
    if not cidrs:
        return incomplete("which addresses the nodes have", ["ranges.nodes"])
    return Peers(tuple(AddressPeer(cidr) for cidr in sorted(set(cidrs))))


def _api_server(view: View) -> Peers:
    found = locate(view)
    findings = tuple(
        error(
            Code.PROFILE_INCOMPLETE,
            f"the API server is said to be at {address}, inside {inside}, where others are: if it really is, write "
            "apiServer.addresses in the ClusterProfile",
        )
        for address, inside in found.refused
    )
    if not findings and not (found.addresses and found.ports):
        return incomplete("where the API server is", ["apiServer.addresses", "apiServer.port"])
    return Peers(
        tuple(AddressPeer(single(address)) for address in found.addresses if found.ports),
        findings,
        ports=tuple(PortRange("TCP", port, port) for port in found.ports),
    )


def _webhooks(profile: ClusterProfile) -> Peers:
    if not profile.api_server.webhook_sources:
        return incomplete("where the API server calls webhooks from", ["apiServer.webhookSources"])
    return Peers(tuple(AddressPeer(cidr) for cidr in sorted(set(profile.api_server.webhook_sources))))


def _node_ranges(view: View) -> tuple[str, ...]:
    return view.profile.ranges.nodes or tuple(map(single, view.inventory.node_addresses))


def _inside(view: View) -> tuple[str, ...]:
    """The cluster's own addresses, and those that this cluster opens to nobody."""
    ranges = view.profile.ranges
    own = (*ranges.pods, *ranges.services, *_node_ranges(view))
    return (*own, *LINK_LOCAL, *view.profile.limits.denied_cidrs)


def _unknown_ranges(view: View) -> list[str]:
    ranges = view.profile.ranges
    known = {"pods": ranges.pods, "services": ranges.services, "nodes": _node_ranges(view)}
    return [f"ranges.{name}" for name, found in known.items() if not found]
