"""Parties that are no services: pods by label, addresses, and the places only the cluster knows.

Rules R5, R10, R11, R17 and R20. ipBlock is never used for pods: the API leaves open whether it matches them
(https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-ipblock).
"""

import msgspec

from servicegraph.compiler.apiserver import locate
from servicegraph.compiler.dns import name_findings
from servicegraph.compiler.engines import speaks_cilium
from servicegraph.compiler.entries import Reader, pods_party
from servicegraph.compiler.labels import unenforceable, unseen_labels
from servicegraph.compiler.terms import Finding, Term, by_number
from servicegraph.compiler.view import View
from servicegraph.model.addresses import EVERYWHERE, LINK_LOCAL, contains, single, touches, within
from servicegraph.model.cluster import Listening
from servicegraph.model.graph import (
    AddressParty,
    DeclaredService,
    NamedParty,
    NameParty,
    Party,
    Place,
    PlaceParty,
    PodsParty,
    ServiceParty,
)
from servicegraph.model.policy import ANY_PEER, AddressPeer, Direction, EntityPeer, NamePeer, Peer, PodPeer
from servicegraph.model.ports import PortRange
from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.model.selectors import EVERYTHING, NAMESPACE_LABEL

_MOST_ADDRESSES = 100


class Peers(msgspec.Struct, frozen=True):
    """A party as peers. With none, `findings` say why. `reached` is how its ports are numbered, where pods tell.

    `ports` stand in where the entry writes none.
    """

    peers: tuple[Peer, ...] = ()
    findings: tuple[Finding, ...] = ()
    reached: Term = Term(EVERYTHING)
    ports: tuple[PortRange, ...] = ()


def party_kind(party: Party) -> str:
    """The field that names a party in the resource: what limits and messages call it."""
    match party:
        case ServiceParty():
            return "service"
        case PodsParty():
            return "pods"
        case AddressParty():
            return "cidr"
        case NameParty():
            return "fqdn"
        case NamedParty():
            return "party"
        case PlaceParty(place):
            return place.value


def limited(party: Party, profile: ClusterProfile) -> Finding | None:
    """What the limits of the profile say against a party (R20)."""
    limits = profile.limits
    kind = party_kind(party)
    name = party.name if isinstance(party, NamedParty) else kind
    if kind in limits.forbidden_parties or name in limits.forbidden_parties:
        return _error(Code.LIMIT_EXCEEDED, f"this cluster forbids {name} in graphs: ask its administrators")
    if isinstance(party, AddressParty):
        for denied in limits.denied_cidrs:
            if touches(party.cidr, denied) and not _excluded(party, denied):
                return _error(
                    Code.LIMIT_EXCEEDED, f"{party.cidr} reaches {denied}, which this cluster forbids: except it"
                )
    return None


def party_peers(party: Party, direction: Direction, subject: DeclaredService, view: View) -> Peers:
    """The peers of a party, in the policies of a service."""
    namespace = subject.key.namespace
    match party:
        case PodsParty():
            return _pods(party, namespace, view)
        case AddressParty():
            return _addresses(party, view.profile)
        case PlaceParty(place):
            return (_entity if speaks_cilium(subject, view.profile) else _place)(place, direction, view)
        case NamedParty(name):
            return _named(name, namespace, view)
        case NameParty(pattern):
            if speaks_cilium(subject, view.profile):
                return Peers((NamePeer(pattern),), tuple(name_findings(subject, pattern)))
            return _failed(
                Code.UNSUPPORTED_FQDN,
                f"{pattern} is a DNS name, which no NetworkPolicy can say: it takes an engine that sees DNS (Cilium)",
            )
        case ServiceParty(key):
            raise AssertionError(f"{key} is a service: calls and accepts resolve it themselves")


def _place(place: Place, direction: Direction, view: View) -> Peers:
    match place:
        case Place.ANYWHERE:
            return Peers((ANY_PEER,))
        case Place.INTERNET:
            return _internet(view)
        case Place.NODES:
            return _nodes(view)
        case Place.KUBE_API_SERVER:
            return _api_server(view) if direction is Direction.EGRESS else _webhooks(view.profile)


def _entity(place: Place, direction: Direction, view: View) -> Peers:
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
                return _incomplete("on which port the API server is", ["apiServer.port"])
            return Peers((EntityPeer("kube-apiserver"),), ports=tuple(PortRange("TCP", p, p) for p in ports))
        case _:
            return _place(place, direction, view)


def _pods(party: PodsParty, namespace: str, view: View) -> Peers:
    """Pods by label. Workloads say what a port is called where the entry names their namespace.

    Where it selects namespaces, anybody's workload could write into this rule: then only numbers count.
    """
    if unseen := unenforceable(party.pods, unseen_labels(view.profile.engine)):
        return Peers(findings=(unseen,))
    findings = []
    if party.pods.is_empty or (party.namespaces is not None and party.namespaces.is_empty):
        what = "every pod" if party.pods.is_empty else "these pods"
        where = "of the namespaces it names" if party.namespaces is not None else "of this namespace"
        if party.namespaces == EVERYTHING:
            where = "of every namespace"
        findings.append(
            Finding(Code.WIDE_OPEN, Severity.WARNING, f"this is {what} {where}, those of tomorrow included")
        )
    own = party.namespaces is None
    names = [namespace] if party.namespaces is None else view.inventory.namespaces_matching(party.namespaces)
    matched = [w for name in names for w in view.inventory.matching(name, party.pods)]
    if any(w.host_network for w in matched):
        message = (
            f"{', '.join(str(w.key) for w in matched if w.host_network and own) or 'some of these pods'} run in the "
            "host's network, where no pod selector matches: for those, write nodes: true"
        )
        findings.append(Finding(Code.HOST_NETWORK, Severity.WARNING, message))
    named = own or (party.namespaces is not None and NAMESPACE_LABEL in party.namespaces.labels())
    known = {port for w in matched for port in w.ports} if named else set()
    reached = Term(party.pods, Listening((), tuple(sorted(known, key=by_number))))
    return Peers((PodPeer(party.pods, party.namespaces),), tuple(findings), reached)


def _addresses(party: AddressParty, profile: ClusterProfile) -> Peers:
    for inside in profile.ranges.pods + profile.ranges.services:
        if touches(party.cidr, inside) and not _excluded(party, inside):
            return _failed(
                Code.CIDR_OVER_CLUSTER,
                f"{party.cidr} holds {inside}, addresses of this cluster's pods or Services, for which no address rule "
                "can be relied on: name the service or the pods, write internet: true, or except it",
            )
    findings: tuple[Finding, ...] = ()
    if not (profile.ranges.pods and profile.ranges.services):
        message = (
            f"whether {party.cidr} holds addresses of this cluster's pods or Services cannot be checked: write "
            "ranges.pods and ranges.services in the ClusterProfile"
        )
        findings = (Finding(Code.PROFILE_INCOMPLETE, Severity.INFO, message),)
    return Peers((AddressPeer(party.cidr, party.excluded),), findings)


def _internet(view: View) -> Peers:
    if missing := _unknown_ranges(view):
        return _incomplete("what is inside the cluster", missing)
    inside = _inside(view)
    return Peers(tuple(AddressPeer(whole, within(whole, inside)) for whole in EVERYWHERE))


def _nodes(view: View) -> Peers:
    cidrs = _node_ranges(view)
    if not cidrs:
        return _incomplete("which addresses the nodes have", ["ranges.nodes"])
    return Peers(tuple(AddressPeer(cidr) for cidr in sorted(set(cidrs))))


def _api_server(view: View) -> Peers:
    found = locate(view)
    findings = tuple(
        _error(
            Code.PROFILE_INCOMPLETE,
            f"the API server is said to be at {address}, inside {inside}, where others are: if it really is, write "
            "apiServer.addresses in the ClusterProfile",
        )
        for address, inside in found.refused
    )
    if not findings and not (found.addresses and found.ports):
        return _incomplete("where the API server is", ["apiServer.addresses", "apiServer.port"])
    return Peers(
        tuple(AddressPeer(single(address)) for address in found.addresses if found.ports),
        findings,
        ports=tuple(PortRange("TCP", port, port) for port in found.ports),
    )


def _webhooks(profile: ClusterProfile) -> Peers:
    if not profile.api_server.webhook_sources:
        return _incomplete("where the API server calls webhooks from", ["apiServer.webhookSources"])
    return Peers(tuple(AddressPeer(cidr) for cidr in sorted(set(profile.api_server.webhook_sources))))


def _named(name: str, namespace: str, view: View) -> Peers:
    found = next((party for party in view.profile.parties if party.name == name), None)
    if found is None:
        known = ", ".join(sorted(party.name for party in view.profile.parties))
        there = f"it names {known}" if known else "it names none"
        return _failed(Code.UNKNOWN_PARTY, f"the profile of this cluster names no party {name!r}: {there}")
    if found.cidr is not None:
        return _addresses(AddressParty(found.cidr, tuple(sorted(found.except_))), view.profile)
    assert found.pods is not None
    reader = Reader(GraphKey(namespace, name))
    party = pods_party(reader, found.pods, f"parties: {name}")
    if party is None or reader.problems:
        return _failed(Code.UNKNOWN_PARTY, f"the profile's party {name!r} is wrong: {reader.problems[0].message}")
    return _pods(party, namespace, view)


def _excluded(party: AddressParty, cidr: str) -> bool:
    return any(contains(inner, cidr) for inner in party.excluded)


def _incomplete(what: str, fields: list[str]) -> Peers:
    return _failed(
        Code.PROFILE_INCOMPLETE,
        f"nobody says {what}, and nothing is guessed: write {', '.join(fields)} in the ClusterProfile",
    )


def _failed(code: Code, message: str) -> Peers:
    return Peers(findings=(_error(code, message),))


def _error(code: Code, message: str) -> Finding:
    return Finding(code, Severity.ERROR, message)


def outside_peers(addresses: tuple[str, ...], view: View) -> Peers:
    """The addresses of a Service without selector as peers (R10): at most 100, none of the cluster's own."""
    if missing := _unknown_ranges(view):
        return _incomplete("whether its addresses are the cluster's own", missing)
    if len(addresses) > _MOST_ADDRESSES:
        message = f"the Service has {len(addresses)} addresses, at most {_MOST_ADDRESSES} become rules: write a cidr"
        return _failed(Code.EXTERNAL_SERVICE, message)
    forbidden = _inside(view)
    peers: list[Peer] = []
    findings: list[Finding] = []
    for cidr in map(single, addresses):
        inside = next((r for r in forbidden if contains(r, cidr)), None)
        if inside is None:
            peers.append(AddressPeer(cidr))
        else:
            message = f"its address {cidr} is inside {inside}: a rule for it could open pods or nodes of others"
            findings.append(_error(Code.EXTERNAL_SERVICE, message))
    return Peers(tuple(peers), tuple(findings))


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
