"""Entries that open one half of what they mean: the other end is a service of a graph that does not agree (R3)."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Open, Said, Scene, listed
from servicegraph.compiler.entries import selector_text
from servicegraph.model.graph import NamedParty, PodsParty
from servicegraph.model.policy import Declared, Direction, PodPeer
from servicegraph.model.ports import PortRange, subtract_ranges
from servicegraph.model.problems import Code, Problem, Severity

_OTHER = {Direction.EGRESS: Direction.INGRESS, Direction.INGRESS: Direction.EGRESS}


def half_open(scene: Scene) -> Iterator[Problem]:
    """HalfOpen: by labels, one end only opens its own half."""
    for said in scene.said():
        by_label = isinstance(said.entry.party, PodsParty | NamedParty)
        for opened in scene.opened(said):
            if by_label and (shut := _shut(opened, scene)):
                yield said.problem(Code.HALF_OPEN, Severity.WARNING, _message(said, opened, shut))
            if said.direction is Direction.EGRESS and (denied := _denied(opened, scene)):
                yield said.problem(Code.HALF_OPEN, Severity.WARNING, denied)
    yield from _dns(scene)


def _dns(scene: Scene) -> Iterator[Problem]:
    for graph in scene.graphs:
        shut = [key for opened in scene.asks_dns(graph) for key, _ in _shut(opened, scene)]
        if shut:
            message = (
                f"a graph declares {listed(shut)}, which resolves names, and it does not accept those who ask: write "
                "accepts: [{anywhere: true, ports: [53/UDP, 53/TCP]}] there"
            )
            yield Problem(Code.HALF_OPEN, Severity.WARNING, graph.key, ".spec.dns", message)


def _shut(opened: Open, scene: Scene) -> list[tuple[str, tuple[PortRange, ...]]]:
    """The services at the other end that do not open their half, with the ports that stay closed.

    Callers may be accepted by a label that they share and at more ports than they use: then it is enough that one of
    them calls at one port.
    """
    peer, at = opened.flow.peer, opened.at
    if not isinstance(peer, PodPeer) or peer.pods.is_empty or opened.flow.ports is None:
        return []
    others = [
        other
        for namespace in scene.namespaces(peer, at.namespace)
        for other in scene.meeting(namespace, peer.pods)
        if _OTHER[opened.flow.direction] in other.isolated
    ]
    found = [(str(other.service), left) for other in others if (left := _left(opened, other, scene))]
    if opened.flow.direction is Direction.INGRESS and [left for _, left in found] != [opened.flow.ports] * len(others):
        return []
    return sorted(dict(found).items())


def _left(opened: Open, other: Declared, scene: Scene) -> tuple[PortRange, ...]:
    """The ports of a flow that the pods at its other end do not open towards this end."""
    back = _OTHER[opened.flow.direction]
    left = opened.flow.ports or ()
    for flow in other.flows:
        if flow.direction is back and scene.covers(flow.peer, other.namespace, opened.at.namespace, opened.at.subject):
            if flow.ports is None:
                return ()
            left = subtract_ranges(left, flow.ports)
    return left


def _message(said: Said, opened: Open, shut: list[tuple[str, tuple[PortRange, ...]]]) -> str:
    assert isinstance(opened.flow.peer, PodPeer)
    pods = selector_text(opened.flow.peer.pods)
    names = listed(name for name, _ in shut)
    ports = listed(port for _, left in shut for port in left)
    mine = said.service.key.name
    if said.direction is Direction.EGRESS:
        return (
            f"the pods {pods} are those of {names}, which do not accept {mine} at {ports}: only the caller's half "
            "opens; call the service by its name, or let it accept these pods"
        )
    return (
        f"the pods {pods} are those of {names}, which do not call {mine} at {ports}: only the callee's half opens; let "
        "the service call by name, which opens both"
    )


def _denied(opened: Open, scene: Scene) -> str | None:
    """What is wrong with calling pods that only the default deny of their namespace isolates (R18)."""
    peer = opened.flow.peer
    if not isinstance(peer, PodPeer) or peer.pods.is_empty:
        return None
    shut = [
        workload.key
        for namespace in scene.namespaces(peer, opened.at.namespace)
        if Direction.INGRESS in scene.denied.get(namespace, ())
        for workload in scene.pods(namespace, peer.pods)
        if not scene.is_declared(workload)
    ]
    if not shut:
        return None
    return (
        f"{listed(shut)} belongs to no service of a graph, and the default deny of its namespace lets nobody in: only "
        "the caller's half opens; declare it as a service"
    )
