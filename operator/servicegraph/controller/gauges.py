"""The state of everything in numbers, for Prometheus."""

from collections import Counter

from servicegraph.controller.metrics import Metrics
from servicegraph.controller.state import State
from servicegraph.model.compilation import EdgeState
from servicegraph.model.problems import Severity


def gauge(state: State, metrics: Metrics) -> None:
    """Set the gauges that count graphs, policies, edges and problems."""
    conditions: Counter[tuple[str, str]] = Counter()
    for graph in state.graphs:
        conditions.update((c["type"], c["status"]) for c in graph.status.get("conditions", ()))
    metrics.graphs.clear()
    for (kind, status), count in conditions.items():
        metrics.graphs.labels(kind, status).set(count)
    results = list(state.results.values())
    edges = Counter(edge.state for result in results for edge in result.edges)
    problems = Counter(problem.severity for result in results for problem in result.problems)
    metrics.policies.set(sum(len(result.policies) for result in results))
    for edge in EdgeState:
        metrics.edges.labels(edge.value).set(edges[edge])
    for severity in Severity:
        metrics.problems.labels(severity.value).set(problems[severity])
