"""From a scenario to what the compiler makes of it, and to the changes that lead from one scenario to the next."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeVar

from servicegraph.compiler.changes import Changes
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import DrainingTerm
from servicegraph.model.compilation import Compilation
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Policy
from servicegraph.model.refs import GraphKey, ServiceKey
from tests.property.clusters import PROFILE
from tests.property.scenarios import Scenario

K = TypeVar("K")
V = TypeVar("V")


def graphs_of(scenario: Scenario) -> list[Graph]:
    """The graphs, parsed."""
    parsed = [parse(raw) for raw in scenario.graphs]
    assert all(p.graph is not None for p in parsed), [p.problems for p in parsed]
    return [p.graph for p in parsed if p.graph is not None]


def compiled(scenario: Scenario) -> Compilation:
    """Everything at once."""
    return compile_all(graphs_of(scenario), scenario.cluster, PROFILE)


def written(policy: Policy) -> tuple[Any, ...]:
    """All that anybody writes of a policy, or decides by."""
    return (manifest(policy), policy.mode, policy.draining, policy.graph, policy.parts)


def difference(before: Scenario | None, after: Scenario) -> Changes:
    """What to tell a compiler that knows `before`."""
    old, new = _tables(before) if before else {}, _tables(after)
    changed = {name: _changed(old.get(name, {}), table) for name, table in new.items()}
    draining = changed.pop("draining")
    nodes = None if before and before.cluster.node_addresses == after.cluster.node_addresses else _nodes(after)
    return Changes(**changed, draining={k: v or () for k, v in draining.items()}, node_addresses=nodes)


def _nodes(scenario: Scenario) -> tuple[str, ...]:
    return tuple(sorted(scenario.cluster.node_addresses))


def _changed(old: Mapping[K, V], new: Mapping[K, V]) -> dict[K, V | None]:
    return {key: new.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}


def _tables(scenario: Scenario) -> dict[str, Mapping[Any, Any]]:
    cluster = scenario.cluster
    draining: dict[ServiceKey, list[DrainingTerm]] = defaultdict(list)
    for term in cluster.draining:
        draining[term.service].append(term)
    graphs: dict[GraphKey, Graph] = {graph.key: graph for graph in graphs_of(scenario)}
    return {
        "graphs": graphs,
        "services": {s.key: s for s in cluster.services},
        "workloads": {w.key: w for w in cluster.workloads},
        "namespaces": {n.name: n for n in cluster.namespaces},
        "endpoint_slices": {(s.namespace, s.name): s for s in cluster.endpoint_slices},
        "draining": {key: tuple(terms) for key, terms in draining.items()},
        "incumbents": dict(cluster.incumbents),
    }
