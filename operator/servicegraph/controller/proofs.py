"""Which proofs are due: those of services that changed beside policies of others, and of namespaces where those did."""

from collections.abc import Mapping
from typing import NamedTuple

from servicegraph.compiler.changes import Changes, Delta
from servicegraph.compiler.emit.names import DEFAULT_DENY
from servicegraph.compiler.incremental import Compiler
from servicegraph.controller.live import service_of
from servicegraph.controller.proving import Finding, Foreign, Place, Trusts, beside, findings
from servicegraph.controller.state import State
from servicegraph.model.refs import GraphKey, ServiceKey

AT_ONCE = 200
"""Services in one go: changes that came meanwhile are compiled between two of them."""

Found = Mapping[Place, Finding]


class Task(NamedTuple):
    """Proofs for another thread; everything that the event loop owns has been copied."""

    services: frozenset[ServiceKey]
    namespaces: frozenset[str]
    foreign: Foreign
    trusts: Trusts

    def run(self, compiler: Compiler) -> Found:
        """What differs, by service, and by namespace for its other pods."""
        found = findings(compiler, self.services, self.foreign, self.trusts) if self.services else {}
        for namespace in self.namespaces:
            found[namespace] = beside(compiler, namespace, self.foreign, self.trusts)
        return found


class Proofs:
    """Owned by the event loop. `state.findings` says what came out of them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._services: dict[ServiceKey, GraphKey] = {}
        self._namespaces: dict[str, frozenset[GraphKey]] = {}

    @property
    def waiting(self) -> frozenset[GraphKey]:
        """Graphs with a service that is still to be proven."""
        return frozenset((*self._services.values(), *(graph for of in self._namespaces.values() for graph in of)))

    def note(self, compiler: Compiler, changes: Changes, delta: Delta) -> None:
        """Note what a change makes due. Where all policies are ours, `Check` has said all there is to say."""
        touched, self._state.touched = self._state.touched, set()
        concerned = {key.namespace for key in changes.graphs} | {namespace for namespace, _ in delta.policies}
        whole = touched | {ns for ns, name in delta.policies if name == DEFAULT_DENY}
        whole |= {key.namespace for key in changes.graphs}
        if changes.namespaces:
            whole |= {key.namespace for key in self._state.results}
        changed = {ServiceKey(ns, service) for ns, name in delta.policies if (service := service_of(name))}
        for namespace in concerned | whole:
            known = namespace in self._state.findings
            if not self._state.foreign(namespace) and not known and not self._has_findings(namespace):
                continue
            for graph in compiler.graphs(namespace):
                due = compiler.services(graph) if namespace in whole else changed.intersection(compiler.services(graph))
                self._services.update(dict.fromkeys(due, graph))
            if namespace in whole:
                self._namespaces[namespace] = frozenset(compiler.graphs(namespace))

    def next(self) -> Task | None:
        """The proofs to be made now, None where none are due."""
        if not self._services and not self._namespaces:
            return None
        services = frozenset(list(self._services)[:AT_ONCE])
        namespaces = frozenset(self._namespaces if len(services) == len(self._services) else ())
        live = {ns: self._state.foreign(ns) for ns in {*namespaces, *(service.namespace for service in services)}}
        foreign = {ns: [policy.rules for policy in found if policy.rules is not None] for ns, found in live.items()}
        graphs = {*self._services.values(), *(graph for ns in namespaces for graph in self._namespaces[ns])}
        trusts = {key: found.graph.trusts for key in graphs if (found := self._state.graphs.get(key)) and found.graph}
        return Task(services, namespaces, foreign, trusts)

    def take(self, task: Task, found: Found) -> set[GraphKey]:
        """Keep what came out; the graphs for which it is news."""
        news: set[GraphKey] = set()
        for service in task.services:
            graph = self._services.pop(service)
            if self._keep(service, found.get(service)):
                news.add(graph)
        for namespace in task.namespaces:
            graphs = self._namespaces.pop(namespace)
            if self._keep(namespace, found.get(namespace)):
                news |= graphs
        return news

    def _keep(self, key: ServiceKey | str, finding: Finding | None) -> bool:
        before = self._state.findings.pop(key, Finding())
        if finding is not None and finding != Finding():
            self._state.findings[key] = finding
        return before != (finding or Finding())

    def _has_findings(self, namespace: str) -> bool:
        return any(isinstance(key, ServiceKey) and key.namespace == namespace for key in self._state.findings)
