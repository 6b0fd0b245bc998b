"""The stages, with their results kept: a change recomputes what it can reach, and nothing else.

A full compile is one change on an empty state, so both are the same code; a property test holds their results equal.
"""

from collections.abc import Iterable

import msgspec

from servicegraph.compiler.changes import Changes, Delta, GraphResult
from servicegraph.compiler.dns import Resolver, asks_dns, dns_halves, resolver
from servicegraph.compiler.edges import Edges
from servicegraph.compiler.graph import Declarations, Mentions
from servicegraph.compiler.inventory import Inventory, everything
from servicegraph.compiler.overlaps import Overlaps
from servicegraph.compiler.subjects import Subject
from servicegraph.compiler.subjecttable import SubjectTable
from servicegraph.compiler.synthesize import declare, default_deny, denied, overflow, service_policies
from servicegraph.compiler.view import isolable, problem_of
from servicegraph.model.cluster import Cluster
from servicegraph.model.compilation import Compilation
from servicegraph.model.graph import DeclaredService, Graph
from servicegraph.model.policy import Declared, Policy
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import Selector


def compile_all(graphs: Iterable[Graph], cluster: Cluster, profile: ClusterProfile) -> Compilation:
    """Compile everything at once. Same input, same result, whatever its order."""
    compiler = Compiler(profile)
    changes = everything(cluster)
    compiler.update(msgspec.structs.replace(changes, graphs={graph.key: graph for graph in graphs}))
    return compiler.compilation()


class Compiler:
    """The state of an incremental compile. It is the View that the resolving stages ask."""

    def __init__(self, profile: ClusterProfile) -> None:
        self._profile = profile
        self._inventory = Inventory()
        self._declarations = Declarations(profile.limits)
        self._subjects = SubjectTable(self._inventory, self._declarations, profile)
        self._edges = Edges(self)
        self._overlaps = Overlaps(self._inventory)
        self._resolver = Resolver()
        self._declared: dict[ServiceKey, tuple[Declared, ...]] = {}
        self._policies: dict[ServiceKey, tuple[Policy, ...]] = {}
        self._denies: dict[str, Policy] = {}

    @property
    def profile(self) -> ClusterProfile:
        """The profile everything is compiled with."""
        return self._profile

    @property
    def inventory(self) -> Inventory:
        """The cluster as far as it is known."""
        return self._inventory

    def subject(self, key: ServiceKey) -> Subject:
        """The pods of a service."""
        return self._subjects.get(key)

    def declared(self, key: ServiceKey) -> DeclaredService | None:
        """The declaration of a service, where a graph has one."""
        return self._declarations.declared(key)

    def mentions(self, key: ServiceKey) -> Mentions:
        """The services that a declared service names."""
        return self._declarations.mentions(key)

    def update(self, changes: Changes) -> Delta:
        """Take changes in and recompute what they reach."""
        stale = self._subjects.reached_by(changes)
        self._inventory.apply(changes)
        stale |= self._subjects.reached_by(changes)
        redeclared, told = self._declarations.update(changes)
        changed = redeclared | self._subjects.refresh(stale | redeclared)
        mentioning = {m for key in changed for m in self._declarations.mentioned_by(key)}
        dirty = self._edges.update(changed, mentioning, changes) | self._update_resolver()
        names = self._update_denies({key.namespace for key in told}, dirty, told)
        overlapping = self._update_overlaps(changes, changed)
        touched = self._graphs_of(dirty | overlapping) | told
        for key in dirty:
            names |= self._recompile(key)
        return Delta(frozenset(names), frozenset(touched))

    def result(self, key: GraphKey) -> GraphResult | None:
        """Everything about one graph."""
        graph = self._declarations.graphs.get(key)
        if graph is None:
            return None
        services = self._declarations.of_graph(key)
        policies = [p for s in services for p in self._policies.get(s, ())]
        deny = self._denies.get(key.namespace)
        if deny is not None and deny.graph == key:
            policies.append(deny)
        edges = tuple(edge for s in services for edge in self._edges.of(s))
        return GraphResult(graph, len(services), tuple(policies), edges, self._problems(graph, services, policies))

    def policies(self, namespace: str) -> tuple[Policy, ...]:
        """Every policy of a namespace by name, the default deny included."""
        graphs = self._declarations.of_namespace(namespace)
        services = [s for graph in graphs for s in self._declarations.of_graph(graph.key)]
        found = [p for s in services for p in self._policies.get(s, ())]
        if namespace in self._denies:
            found.append(self._denies[namespace])
        return tuple(sorted(found, key=lambda p: p.name))

    def policies_of(self, key: ServiceKey) -> tuple[Policy, ...]:
        """The policies of one service."""
        return self._policies.get(key, ())

    def declarations_of(self, key: ServiceKey) -> tuple[Declared, ...]:
        """What the graphs say for the pods of one service."""
        return self._declared.get(key, ())

    def deny(self, namespace: str) -> Policy | None:
        """The default deny of a namespace."""
        return self._denies.get(namespace)

    def meeting(self, key: ServiceKey) -> set[ServiceKey]:
        """The other services that a pod of this one could belong to as well."""
        return self._overlaps.meeting(key)

    def graphs(self, namespace: str) -> tuple[GraphKey, ...]:
        """The graphs of a namespace."""
        return tuple(graph.key for graph in self._declarations.of_namespace(namespace))

    def services(self, graph: GraphKey) -> tuple[ServiceKey, ...]:
        """The services that a graph declares and owns."""
        return tuple(self._declarations.of_graph(graph))

    def subjects(self, key: ServiceKey) -> tuple[Selector, ...]:
        """The selectors of a service as they are now, draining ones left out."""
        return tuple(dict.fromkeys(t.selector for t in self.subject(key).terms if not t.draining))

    def compilation(self) -> Compilation:
        """The whole result in canonical order."""
        results = [r for key in sorted(self._declarations.graphs) if (r := self.result(key)) is not None]
        policies = sorted((p for r in results for p in r.policies), key=lambda p: (p.namespace, p.name))
        return Compilation(
            declared=(
                *(denied(self._denies[namespace]) for namespace in sorted(self._denies)),
                *(d for key in sorted(self._declared) for d in self._declared[key]),
            ),
            policies=tuple(policies),
            edges=tuple(edge for r in results for edge in r.edges),
            problems=tuple(problem for r in results for problem in r.problems),
        )

    def _recompile(self, key: ServiceKey) -> set[tuple[str, str]]:
        before = {p.name: p for p in self._policies.pop(key, ())}
        self._declared.pop(key, None)
        service = self.declared(key)
        if service is not None:
            subject = self.subject(key)
            halves = self._edges.halves(key)
            halves += dns_halves(service, self._resolver, self, halves)
            said = self._declared[key] = declare(service, subject, halves)
            self._policies[key] = service_policies(
                service, subject, said, self._denies.get(key.namespace), self._profile
            )
        after = {p.name: p for p in self._policies.get(key, ())}
        names = before.keys() | after.keys()
        return {(key.namespace, name) for name in names if not _same(before.get(name), after.get(name))}

    def _update_denies(self, namespaces: set[str], dirty: set[ServiceKey], told: set[GraphKey]) -> set[tuple[str, str]]:
        """Recompute default denies; their names where they differ.

        Services that need an exemption become dirty, and graphs that have or had the deny are told.
        """
        names: set[tuple[str, str]] = set()
        for namespace in namespaces:
            graphs = self._declarations.of_namespace(namespace)
            before, after = self._denies.pop(namespace, None), default_deny(graphs)
            if after is not None:
                self._denies[namespace] = after
            if before != after:
                owned = [policy for policy in (before, after) if policy is not None]
                names |= {(namespace, policy.name) for policy in owned}
                told |= {policy.graph for policy in owned}
            if _denial(before) != _denial(after):
                dirty.update(s for graph in graphs for s in self._declarations.of_graph(graph.key))
        return names

    def _update_resolver(self) -> set[ServiceKey]:
        """Look where names are resolved now; every service that asks, if that differs."""
        found = resolver(self)
        if found == self._resolver:
            return set()
        self._resolver = found
        services = (self.declared(key) for key in self._declarations.all())
        return {service.key for service in services if service is not None and asks_dns(service)}

    def _update_overlaps(self, changes: Changes, changed: set[ServiceKey]) -> set[ServiceKey]:
        affected: set[ServiceKey] = set()
        for key in changed:
            terms = isolable(self.subject(key)) if self.declared(key) else ()
            affected |= self._overlaps.set_terms(key, tuple(dict.fromkeys(term.selector for term in terms)))
        for workload in changes.workloads:
            affected |= self._overlaps.set_workload(workload, self._inventory.workloads.get(workload))
        return affected

    def _graphs_of(self, services: set[ServiceKey]) -> set[GraphKey]:
        return {service.graph for key in services if (service := self.declared(key)) is not None}

    def _problems(self, graph: Graph, services: list[ServiceKey], policies: list[Policy]) -> tuple[Problem, ...]:
        problems = self._declarations.problems(graph.key)
        if graph.engine == "Cilium" and self._profile.engine.name != "Cilium":
            message = "this cluster is not known to run Cilium, so NetworkPolicies are written: write engine: Auto"
            problems.append(Problem(Code.ENGINE_UNAVAILABLE, Severity.WARNING, graph.key, ".spec.engine", message))
        asks = False
        for key in services:
            service = self.declared(key)
            if service is None:
                continue
            asks = asks or asks_dns(service)
            findings = (*self.subject(key).findings, *self._overlaps.findings(key))
            problems += [problem_of(service, finding) for finding in findings]
            problems += self._edges.problems(key)
        if asks and self._resolver.finding is not None:
            finding = self._resolver.finding
            problems.append(Problem(finding.code, finding.severity, graph.key, ".spec.dns", finding.message))
        problems += overflow(graph, policies, self._profile)
        return tuple(sorted(dict.fromkeys(problems), key=lambda p: p.rank))


def _denial(deny: Policy | None) -> tuple[object, ...]:
    """What the services of a namespace need to know of its default deny."""
    return (deny.directions, deny.mode) if deny is not None else ()


def _same(one: Policy | None, other: Policy | None) -> bool:
    """Whether two policies are written the same: the entries behind their rules may have moved in the resource."""
    if one is None or other is None:
        return one is other
    return _written(one) == _written(other)


def _written(policy: Policy) -> tuple[object, ...]:
    rules = tuple((rule.peers, rule.ports) for side in (policy.ingress, policy.egress) for rule in side)
    sides = (len(policy.ingress), len(policy.egress))
    return (
        policy.graph,
        policy.directions,
        policy.mode,
        policy.listening,
        policy.drained,
        policy.draining,
        sides,
        rules,
    )
