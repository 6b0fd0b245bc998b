"""Rules for addresses that the network plugin does not compare with addresses: those of nodes."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Scene, listed
from servicegraph.model.addresses import contains, single, touches
from servicegraph.model.policy import AddressPeer
from servicegraph.model.problems import Code, Problem


def nodes_not_matched(scene: Scene) -> Iterator[Problem]:
    """NodesNotMatched: Cilium knows nodes by identity, and leaves them out of every ipBlock unless told otherwise.

    https://docs.cilium.io/en/stable/security/policy/language/#selecting-nodes-with-cidr-ipblock
    """
    severity = scene.severity_on("Cilium", "GKEDataplaneV2")
    nodes = scene.profile.ranges.nodes or tuple(map(single, scene.inventory.node_addresses))
    if severity is None or not nodes:
        return
    for said in scene.said():
        peers = [opened.flow.peer for opened in scene.opened(said)]
        found = [p.cidr for p in peers if isinstance(p, AddressPeer) and _holds(p, nodes)]
        if found:
            message = (
                f"Cilium and GKE Dataplane V2 match no node by an address, and {listed(found)} is or holds addresses "
                "of nodes: there this rule opens nothing for them; write `nodes` or `kubeAPIServer` and tell the "
                "profile the engine Cilium, or set Cilium's policyCIDRMatchMode: nodes"
            )
            yield said.problem(Code.NODES_NOT_MATCHED, severity, message)


def _holds(peer: AddressPeer, nodes: tuple[str, ...]) -> bool:
    return any(
        touches(peer.cidr, node) and not any(contains(excluded, node) for excluded in peer.excluded) for node in nodes
    )
