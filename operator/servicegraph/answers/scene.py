"""What people ask about: graphs, the policies in force, and the entry of a graph behind each of their rules."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from servicegraph.compiler.apiserver import locate
from servicegraph.compiler.changes import Changes
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.emit.names import (
    GRAPH_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    RENDERED_BY,
    SERVICE_LABEL,
    label_value,
    rendered_name,
)
from servicegraph.compiler.incremental import Compiler
from servicegraph.compiler.inventory import everything
from servicegraph.compiler.subjects import Subject
from servicegraph.model.cluster import Cluster, Pod, Workload
from servicegraph.model.graph import DeclaredService, Graph
from servicegraph.model.policy import ANY_PEER, Declared, Direction, Flow, Mode, Origin, Peer, Policy
from servicegraph.model.ports import Protocol
from servicegraph.model.problems import Problem
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import Selector
from servicegraph.verify.policies import NetworkPolicy, PolicyKey, PolicyRule
from servicegraph.verify.reading import read
from servicegraph.verify.verdicts import Allowance, Policies

Labels = Mapping[str, str]
_OURS = (MANAGED_BY, RENDERED_BY)


class Found(NamedTuple):
    """A policy that was there before any compiling, with its labels: they say whose it is."""

    policy: NetworkPolicy
    labels: Labels


class Scene:
    """Graphs, cluster and policies, compiled when they are first needed.

    `as_found` is true of a cluster as it runs: the policies that were found are in force, and compiling tells only what
    is behind their rules. Else the graphs are compiled, and what was found of them before gives way; a graph or service
    in DryRun leaves what was found as it is, one that is Off has no policies.
    """

    def __init__(
        self,
        graphs: Iterable[Graph],
        cluster: Cluster,
        profile: ClusterProfile,
        found: Sequence[Found] = (),
        pods: Sequence[Pod] = (),
        *,
        as_found: bool = False,
    ) -> None:
        self.graphs = {graph.key: graph for graph in graphs}
        self.cluster = cluster
        self.profile = profile
        self.pods = pods
        self.as_found = as_found
        self.namespaces = {namespace.name: namespace.labels for namespace in cluster.namespaces}
        self._compiler = Compiler(profile)
        self._compiler.update(msgspec.structs.replace(everything(cluster), graphs=self.graphs))
        self._found: dict[str, list[Found]] = defaultdict(list)
        for item in found:
            self._found[item.policy.namespace].append(item)
        self._in_force: dict[str, list[NetworkPolicy]] = {}
        self._behind: dict[str, _Behind] = {}
        self._policies: dict[tuple[str, ...], Policies] = {}

    def subject(self, key: ServiceKey) -> Subject:
        """The pods of a service, whether a graph declares it or not."""
        return self._compiler.subject(key)

    def declared(self, key: ServiceKey) -> DeclaredService | None:
        """The declaration of a service, where a graph has one."""
        return self._compiler.declared(key)

    def api_server(self) -> tuple[str, ...]:
        """The addresses of the API server, as far as they are known."""
        return locate(self._compiler).addresses

    def services(self) -> list[ServiceKey]:
        """Every service that has a name: those of graphs, Services, and workloads."""
        named = {service.key for graph in self.graphs.values() for service in graph.services}
        named |= {service.key for service in self.cluster.services}
        return sorted(named | {ServiceKey(w.key.namespace, w.key.name) for w in self.cluster.workloads})

    def matching(self, namespace: str, selector: Selector) -> list[Workload]:
        """The workloads of a namespace whose pods a selector selects."""
        return self._compiler.inventory.matching(namespace, selector)

    def problems(self, key: GraphKey) -> tuple[Problem, ...]:
        """What is wrong with a graph."""
        result = self._compiler.result(key)
        return result.problems if result else ()

    def in_force(self, namespace: str) -> list[NetworkPolicy]:
        """The policies of a namespace that hold."""
        known = self._in_force.get(namespace)
        if known is None:
            known = self._in_force[namespace] = self._look(namespace)
        return known

    def _look(self, namespace: str) -> list[NetworkPolicy]:
        found = self._found.get(namespace, [])
        if self.as_found:
            return [item.policy for item in found]
        compiled = [p for p in self._compiler.policies(namespace) if p.mode is Mode.ENFORCE]
        names = {name for p in compiled for name in (p.name, rendered_name(p.name))}
        kept = [i.policy for i in found if i.policy.name not in names and not self._gives_way(i)]
        return kept + [emitted(policy) for policy in compiled]

    def policies(self, *namespaces: str) -> Policies:
        """Verdicts on pods of these namespaces."""
        wanted = tuple(sorted(set(namespaces)))
        known = self._policies.get(wanted)
        if known is None:
            found = (policy for name in wanted for policy in self.in_force(name))
            known = self._policies[wanted] = Policies.of(found, self.namespaces)
        return known

    def all_policies(self) -> list[NetworkPolicy]:
        """Everything in force."""
        names = {key.namespace for key in self.graphs} | self._found.keys()
        return [policy for name in sorted(names) for policy in self.in_force(name)]

    def is_compiled(self, key: PolicyKey) -> bool:
        """Whether a policy comes from a graph: who edits it by hand loses."""
        found = (item for item in self._found.get(key.namespace, ()) if item.policy.key == key)
        written = any(self._graph_of(item) is not None for item in found)
        return written or any(policy.name == key.name for policy in self._compiler.policies(key.namespace))

    def origins(self, allowance: Allowance, protocol: Protocol, port: int) -> tuple[Origin, ...]:
        """The entries of graphs for which a rule lets a port pass; none where no graph gives such a rule."""
        policy, direction = allowance.policy, allowance.direction
        rule = policy.rules(direction)[allowance.rule]
        behind = self._known(policy.namespace).origins.get((policy.key, direction, rule), ())
        peer = ANY_PEER if allowance.peer is None or rule.peers is None else rule.peers[allowance.peer]
        flows = self._known(policy.namespace).flows.get((policy.subject, direction, peer), ())
        exact = {flow.origin for flow in flows if _covers(flow, protocol, port)}
        return tuple(origin for origin in behind if origin in exact) or behind

    def behind(self, policy: NetworkPolicy, direction: Direction, rule: int, peer: int | None) -> tuple[Origin, ...]:
        """The entries for which a rule, or one peer of it, stands in a policy; none where no graph gives it."""
        found = policy.rules(direction)[rule]
        exact = self.declared_for(
            policy, direction, found.peers[peer] if found.peers and peer is not None else ANY_PEER
        )
        return exact or self._known(policy.namespace).origins.get((policy.key, direction, found), ())

    def declared_for(self, policy: NetworkPolicy, direction: Direction, peer: Peer) -> tuple[Origin, ...]:
        """The entries for which a policy that graphs give names a peer, whatever the port."""
        known = self._known(policy.namespace)
        if policy.key not in known.names:
            return ()
        return tuple(dict.fromkeys(flow.origin for flow in known.flows.get((policy.subject, direction, peer), ())))

    def _known(self, namespace: str) -> "_Behind":
        found = self._behind.get(namespace)
        if found is None:
            declared = [said for said in self._compiler.compilation().declared if said.namespace == namespace]
            found = self._behind[namespace] = _Behind.of(self._compiler.policies(namespace), declared)
        return found

    @contextmanager
    def supposing(self, *graphs: Graph) -> Iterator[None]:
        """Inside, these graphs are as given, and every graph is compiled as if it were applied."""
        before, as_found = dict(self.graphs), self.as_found
        changed: dict[GraphKey, Graph | None] = {graph.key: graph for graph in graphs}
        self._suppose(before | {graph.key: graph for graph in graphs}, changed, as_found=False)
        try:
            yield
        finally:
            self._suppose(before, {key: before.get(key) for key in changed}, as_found=as_found)

    def _suppose(
        self, graphs: dict[GraphKey, Graph], changed: Mapping[GraphKey, Graph | None], *, as_found: bool
    ) -> None:
        self.graphs, self.as_found = graphs, as_found
        self._compiler.update(Changes(graphs=changed))
        self._in_force.clear()
        self._policies.clear()
        self._behind.clear()

    def _gives_way(self, item: Found) -> bool:
        """Whether compiling a graph of ours replaces a policy: one that it gave before."""
        graph = self._graph_of(item)
        if graph is None:
            return False
        service = next((s for s in graph.services if _is(s.key.name, item.labels, SERVICE_LABEL)), None)
        return (service.mode if service else graph.mode) is not Mode.DRY_RUN

    def _graph_of(self, item: Found) -> Graph | None:
        """The graph that a policy was made from, where it is one of these."""
        if item.labels.get(MANAGED_BY_LABEL) not in _OURS:
            return None
        here = (g for k, g in self.graphs.items() if k.namespace == item.policy.namespace)
        return next((graph for graph in here if _is(graph.key.name, item.labels, GRAPH_LABEL)), None)


def emitted(policy: Policy) -> NetworkPolicy:
    """A compiled policy as the API server will have it."""
    return read(manifest(policy))


class _Behind(NamedTuple):
    """What is behind the policies of a namespace: entries by rule, and flows by what they are about."""

    origins: dict[tuple[PolicyKey, Direction, PolicyRule], tuple[Origin, ...]]
    flows: dict[tuple[Selector, Direction, Peer], list[Flow]]
    names: set[PolicyKey]

    @classmethod
    def of(cls, policies: Iterable[Policy], declared: Iterable[Declared]) -> "_Behind":
        origins: dict[tuple[PolicyKey, Direction, PolicyRule], tuple[Origin, ...]] = {}
        for policy in policies:
            written = emitted(policy)
            for direction, rules in ((Direction.INGRESS, policy.ingress), (Direction.EGRESS, policy.egress)):
                for rule, compiled in zip(written.rules(direction), rules, strict=False):
                    for name in (policy.name, rendered_name(policy.name)):
                        origins[written.key._replace(name=name), direction, rule] = compiled.origins
        flows: dict[tuple[Selector, Direction, Peer], list[Flow]] = defaultdict(list)
        for said in declared:
            for flow in said.flows:
                flows[said.subject, flow.direction, flow.peer].append(flow)
        return cls(origins, flows, {key for key, _, _ in origins})


def _covers(flow: Flow, protocol: Protocol, port: int) -> bool:
    return flow.ports is None or any(r.protocol == protocol and r.start <= port <= r.end for r in flow.ports)


def _is(name: str, labels: Labels, label: str) -> bool:
    return labels.get(label) == label_value(name)
