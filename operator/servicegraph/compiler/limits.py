"""What the limits of the profile leave of the graphs of a namespace (R20)."""

import msgspec

from servicegraph.model.graph import DeclaredService, Graph
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import Limits
from servicegraph.model.refs import GraphKey


class Excess(msgspec.Struct, frozen=True):
    """What goes beyond: whole graphs, and calls by their paths. None of them gives a rule."""

    graphs: frozenset[GraphKey] = frozenset()
    calls: frozenset[tuple[GraphKey, str]] = frozenset()
    problems: tuple[Problem, ...] = ()

    def within(self, service: DeclaredService) -> DeclaredService:
        """A service with only the entries that count. It stays declared, and so isolated."""
        if service.graph in self.graphs:
            return msgspec.structs.replace(service, calls=(), accepts=())
        kept = tuple(call for call in service.calls if (service.graph, call.path) not in self.calls)
        return service if len(kept) == len(service.calls) else msgspec.structs.replace(service, calls=kept)


NO_EXCESS = Excess()


def excess(graphs: list[Graph], limits: Limits) -> Excess:
    """What goes beyond the limits in one namespace, of which these are all graphs. The oldest graphs come first."""
    graphs = sorted(graphs, key=lambda graph: (graph.created, graph.key))
    most_graphs, most_calls = limits.graphs_per_namespace, limits.edges_per_namespace
    allowed = graphs if most_graphs is None else graphs[:most_graphs]
    beyond = [graph.key for graph in graphs[len(allowed) :]]
    problems = [
        _problem(key, f"this cluster allows {most_graphs} graphs in a namespace: this one gives no rule; merge graphs")
        for key in beyond
    ]
    calls: list[tuple[GraphKey, str]] = []
    if most_calls is not None:
        every = [(graph.key, path) for graph in allowed for path in _calls(graph)]
        calls = every[most_calls:]
        for key in sorted({key for key, _ in calls}):
            count = sum(graph == key for graph, _ in calls)
            message = f"this cluster allows {most_calls} calls in a namespace: {count} of this graph's give no rule"
            problems.append(_problem(key, f"{message}; ask its administrators"))
    return Excess(frozenset(beyond), frozenset(calls), tuple(problems))


def _calls(graph: Graph) -> list[str]:
    """The paths of a graph's calls, in an order that does not depend on that of lists."""
    found = sorted((s.key.name, call.text, call.path) for s in graph.services for call in s.calls)
    return [path for _, _, path in found]


def _problem(graph: GraphKey, message: str) -> Problem:
    return Problem(Code.LIMIT_EXCEEDED, Severity.ERROR, graph, ".spec.services", message)
