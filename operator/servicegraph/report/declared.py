"""What graphs state: each call and each acceptance from outside, with what became of it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from servicegraph.answers.names import Names, namespace_of, peer_text
from servicegraph.answers.scene import Scene
from servicegraph.compiler.entries import party_text, selector_text
from servicegraph.compiler.parties import party_kind
from servicegraph.model.compilation import Compilation, Edge
from servicegraph.model.graph import DeclaredService, Entry, NamedParty, PodsParty, ServiceParty
from servicegraph.model.policy import Direction, Mode, Origin, PodPeer
from servicegraph.model.problems import Code, Severity
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.report.document import Node, NodeKind, State

EVERY_PORT = "every port"

_MENDABLE = (
    Code.CALLER_NOT_FOUND,
    Code.HEADLESS_PORT_MISMATCH,
    Code.NO_PODS,
    Code.PORT_NOT_FOUND,
    Code.PROFILE_INCOMPLETE,
    Code.UNKNOWN_PARTY,
)
"""What a change in the cluster or its profile can mend: without a rule for such a reason, an entry is unresolved."""


class Stated(msgspec.Struct, frozen=True):
    """An entry, or the part of one that shares a state. `outside`: one end is no service."""

    source: str
    target: str
    state: State
    ports: tuple[str, ...]
    pod_ports: tuple[str, ...]
    origin: Origin
    outside: bool


class Statements(msgspec.Struct, frozen=True):
    """Everything that graphs state, and the nodes it takes besides the services."""

    edges: tuple[Stated, ...]
    parties: tuple[Node, ...]


def statements(scene: Scene, names: Names) -> Statements:
    """All entries of all graphs, in the order of services and of their entries."""
    found = _Entries(scene, names)
    edges: list[Stated] = []
    for key in scene.services():
        service = scene.declared(key)
        if service is not None:
            edges += found.calls(service)
            edges += found.accepts(service)
    return Statements(tuple(edges), tuple(found.parties[name] for name in sorted(found.parties)))


class _Entries:
    def __init__(self, scene: Scene, names: Names) -> None:
        self._scene, self._names = scene, names
        self.parties: dict[str, Node] = {}
        compilation = scene.compilation()
        self._states: dict[tuple[ServiceKey, str], list[Edge]] = defaultdict(list)
        for edge in compilation.edges:
            self._states[edge.caller, edge.path].append(edge)
        self._pod_ports = _pod_ports(compilation)
        self._refused: dict[tuple[GraphKey, str], list[Code]] = defaultdict(list)
        for problem in compilation.problems:
            if problem.severity is Severity.ERROR:
                self._refused[problem.graph, problem.path].append(problem.code)

    def calls(self, service: DeclaredService) -> Iterator[Stated]:
        """The calls of a service."""
        for entry in service.calls:
            callee, outside = self._end(entry, service, "to")
            origin = Origin(service.graph, entry.path, entry.text)
            for part in self._states[service.key, entry.path]:
                state = State(part.state.value)
                at_pods = self._pod_ports.get((origin, Direction.EGRESS), ()) if state is State.ACTIVE else ()
                yield Stated(str(service.key), callee, state, part.ports, at_pods, origin, outside)

    def accepts(self, service: DeclaredService) -> Iterator[Stated]:
        """Whom a service accepts, but for declared services: those call, and are accepted by consent."""
        for entry in service.accepts:
            if isinstance(entry.party, ServiceParty) and self._scene.declared(entry.party.key) is not None:
                continue
            origin = Origin(service.graph, entry.path, entry.text)
            at_pods = self._pod_ports.get((origin, Direction.INGRESS))
            refused = self._refused.get((service.graph, entry.path), [])
            if at_pods is None and not refused and (entry.default or service.mode is Mode.OFF):
                continue
            state = _state(at_pods, refused)
            caller, outside = self._end(entry, service, "from")
            yield Stated(caller, str(service.key), state, tuple(map(str, entry.ports)), at_pods or (), origin, outside)

    def _end(self, entry: Entry, service: DeclaredService, way: str) -> tuple[str, bool]:
        """The node of a party, and whether it is outside every service."""
        party, own = entry.party, service.key.namespace
        if isinstance(party, ServiceParty):
            self._put(str(party.key), NodeKind.UNKNOWN, party.key.name, party.key.namespace)
            return str(party.key), False
        if isinstance(party, PodsParty):
            peer = PodPeer(party.pods, party.namespaces)
            where = namespace_of(peer, own)
            known = self._names.service(where, party.pods) if where is not None else None
            if known is not None and where is not None and self._names.exactly(where, party.pods):
                return str(known), False
            text = peer_text([self._names], own, peer)
            name = f"pods {selector_text(party.pods)}" if where is not None else text
            return self._put(text if where is not None else f"{way} {text}", NodeKind.PODS, name, where), True
        text = party_text(party, own)
        name = party.name if isinstance(party, NamedParty) else text
        return self._put(f"{way} {text}", NodeKind(party_kind(party)), name, None), True

    def _put(self, text: str, kind: NodeKind, name: str, namespace: str | None) -> str:
        self.parties.setdefault(text, Node(text, kind, name, namespace))
        return text


def _pod_ports(compilation: Compilation) -> dict[tuple[Origin, Direction], tuple[str, ...]]:
    """What the ports of each entry are at the pods."""
    found: dict[tuple[Origin, Direction], dict[str, None]] = defaultdict(dict)
    for said in compilation.declared:
        for flow in said.flows:
            ports = [EVERY_PORT] if flow.ports is None else map(str, flow.ports)
            found[flow.origin, flow.direction].update(dict.fromkeys(ports))
    return {key: tuple(ports) for key, ports in found.items()}


def _state(at_pods: Sequence[str] | None, refused: Sequence[Code]) -> State:
    if at_pods is not None:
        return State.ACTIVE
    return State.UNSUPPORTED if refused and not any(code in _MENDABLE for code in refused) else State.UNRESOLVED
