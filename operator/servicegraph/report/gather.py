"""From graphs and the policies in force to a picture: nodes, edges with their state, policies, and who reaches whom."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from servicegraph.answers.names import Names
from servicegraph.answers.reach import Reach, Via
from servicegraph.answers.scene import Scene
from servicegraph.model.policy import Origin
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.report import document
from servicegraph.report.declared import Statements, statements
from servicegraph.report.document import Edge, Hop, Node, NodeKind, Open, Picture, State
from servicegraph.report.policylist import Listed, PolicyPlace, policy_list

GraphPlace = Callable[[GraphKey, str], tuple[str, int]]
"""File and line of a JSON path in a graph; ("", 0) where it stands in no file."""

Ways = dict[tuple[str, str], set[Via]]
"""What lets one service reach another."""


def gather(scene: Scene, graph_place: GraphPlace, policy_place: PolicyPlace) -> Picture:
    """The picture of a scene. The same scene gives the same picture."""
    names, reach = Names(scene), Reach(scene)
    origins = _Origins(scene, graph_place)
    found = statements(scene, names)
    policies = policy_list(scene, reach, names, policy_place, origins.numbers)
    ways = _ways(reach)
    stated, drawn = _stated(found, ways, origins)
    undeclared, hops = _other(ways, drawn, found, policies)
    services = {key for key in scene.services() if scene.declared(key) is not None} | reach.services.keys()
    nodes = [_service(key, scene, reach, policies, graph_place) for key in sorted(services)]
    known = {node.id for node in nodes}
    through = [
        Open(tuple(sorted(map(str, sources))), tuple(sorted(map(str, targets))))
        for sources, targets in reach.through_nothing()
        if sources and targets
    ]
    return Picture(
        nodes=(*nodes, *(node for node in found.parties if node.id not in known)),
        edges=(*stated, *undeclared),
        origins=origins.listed(),
        policies=policies.policies,
        hops=tuple(hops),
        open=tuple(through),
        allowed=_allowed(ways, through),
    )


def _allowed(ways: Ways, through: Iterable[Open]) -> int:
    """How many pairs of services are connected, each way counted once."""
    targets: dict[str, set[str]] = defaultdict(set)
    for source, target in ways:
        targets[source].add(target)
    for group in through:
        for source in group.sources:
            targets[source].update(group.targets)
    return sum(len(found - {source}) for source, found in targets.items())


class _Origins:
    """Entries of graphs, each once, by the number that stands for it."""

    def __init__(self, scene: Scene, place: GraphPlace) -> None:
        self._numbers: dict[Origin, int] = {}
        self._place = place
        self._reasons = {
            (service.graph, entry.path): entry.reason
            for graph in scene.graphs.values()
            for service in graph.services
            for entry in (*service.calls, *service.accepts)
        }

    def number(self, origin: Origin) -> int:
        """The place of an entry in the list."""
        return self._numbers.setdefault(origin, len(self._numbers))

    def numbers(self, origins: Iterable[Origin]) -> tuple[int, ...]:
        """The places of entries."""
        return tuple(map(self.number, origins))

    def listed(self) -> tuple[document.Origin, ...]:
        """The list."""
        return tuple(
            document.Origin(
                str(origin.graph),
                origin.path,
                origin.text,
                *self._place(origin.graph, origin.path),
                self._reasons.get((origin.graph, origin.path)),
            )
            for origin in self._numbers
        )


def _service(key: ServiceKey, scene: Scene, reach: Reach, policies: Listed, place: GraphPlace) -> Node:
    said = scene.declared(key)
    file, line = place(said.graph, said.path) if said is not None else ("", 0)
    selecting = policies.selecting.get(key, ())
    directions = {d for n in selecting if policies.policies[n].in_force for d in policies.policies[n].directions}
    return Node(
        str(key),
        NodeKind.SERVICE,
        key.name,
        key.namespace,
        graph=str(said.graph) if said is not None else None,
        path=said.path if said is not None else "",
        file=file,
        line=line,
        mode=said.mode.value if said is not None else None,
        isolated=tuple(sorted(directions, reverse=True)),
        has_pods=key in reach.services,
        enters=key in reach.enters,
        leaves=key in reach.leaves,
        policies=selecting,
    )


def _ways(reach: Reach) -> Ways:
    ways: Ways = defaultdict(set)
    for caller, via, callee in reach.edges():
        ways[str(caller), str(callee)].add(via)
    return dict(ways)


def _stated(found: Statements, ways: Ways, origins: _Origins) -> tuple[list[Edge], set[tuple[str, str]]]:
    """What graphs state as edges, and the ends of those that the policies in force let pass."""
    edges = []
    drawn = set()
    for said in found.edges:
        ends = (said.source, said.target)
        behind = {via.origin for via in ways.get(ends, ())}
        passes = said.state is State.ACTIVE and (said.outside or said.origin in behind)
        if passes:
            drawn.add(ends)
        number = origins.number(said.origin)
        edges.append(Edge(*ends, said.state, said.ports, said.pod_ports, passes, number))
    return edges, drawn


def _other(
    ways: Ways, drawn: set[tuple[str, str]], found: Statements, policies: Listed
) -> tuple[list[Edge], list[Hop]]:
    """What policies let pass that is no edge yet: edges of their own where no graph gives the rule, else hops."""
    by_origin = {said.origin: n for n, said in reversed(list(enumerate(found.edges)))}
    edges, hops = [], []
    for ends, vias in sorted(ways.items()):
        if ends in drawn:
            continue
        rules = sorted((via.policy, via.rule) for via in vias if via.policy is not None)
        for key, rule in rules:
            number = policies.number[key]
            direction, _, place = rule.rstrip("]").partition("[")
            policy = policies.policies[number]
            ports = (policy.ingress if direction == "ingress" else policy.egress)[int(place)].ports
            edges.append(Edge(*ends, State.UNDECLARED, (), ports, True, None, number, rule))
        if not rules:
            known = sorted(by_origin[via.origin] for via in vias if via.origin in by_origin)
            hops.append(Hop(*ends, known[0] if known else None))
    return edges, hops
