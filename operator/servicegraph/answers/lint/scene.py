"""What the findings ask of: graphs, cluster, profile and compilation, with the indexes they share."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from servicegraph.answers.lint.plugins import running
from servicegraph.compiler.inventory import Inventory, everything, pod_labels
from servicegraph.compiler.termindex import TermIndex
from servicegraph.model.cluster import Cluster, Workload
from servicegraph.model.compilation import Compilation
from servicegraph.model.graph import DeclaredService, Entry, Graph
from servicegraph.model.policy import AnyPeer, Declared, Direction, Flow, Mode, Peer, PodPeer, PolicyKind
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import ClusterProfile, Plugin
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import NAMESPACE_LABEL, Selector, implies

_SHOWN = 3


class Said(msgspec.Struct, frozen=True):
    """An entry where it stands. A call opens egress of its service, an accept ingress."""

    graph: Graph
    service: DeclaredService
    entry: Entry
    direction: Direction

    def problem(self, code: Code, severity: Severity, message: str) -> Problem:
        """A finding about the entry."""
        return Problem(code, severity, self.graph.key, self.entry.path, message)


class Open(msgspec.Struct, frozen=True):
    """A flow and the pods it is allowed at."""

    at: Declared
    flow: Flow


class Scene:
    """Everything known. `complete` says that the cluster was read whole: what is not there does not exist."""

    def __init__(
        self,
        graphs: Iterable[Graph],
        cluster: Cluster,
        profile: ClusterProfile,
        compilation: Compilation,
        complete: bool,
    ) -> None:
        self.graphs = tuple(sorted(graphs, key=lambda graph: graph.key))
        self.services = {service.key: service for graph in reversed(self.graphs) for service in graph.services}
        self.profile = profile
        self.complete = complete
        self.inventory = Inventory()
        self.inventory.apply(everything(cluster))
        self.plugin = profile.engine.enforcer or running(self.inventory.workloads)
        self.declared = compilation.declared
        self.denied = {
            policy.namespace: policy.directions
            for policy in compilation.policies
            if policy.kind is PolicyKind.DEFAULT_DENY and policy.mode is Mode.ENFORCE
        }
        self._terms = TermIndex()
        self._at: dict[tuple[ServiceKey, Selector], Declared] = {}
        self._of: dict[ServiceKey, list[Declared]] = defaultdict(list)
        self._open: dict[tuple[ServiceKey, GraphKey, str, Direction], list[Open]] = defaultdict(list)
        for declared in compilation.declared:
            if declared.service is None:
                continue
            self._terms.add(declared.service, declared.subject)
            self._at[declared.service, declared.subject] = declared
            self._of[declared.service].append(declared)
            for flow in declared.flows:
                key = (declared.service, flow.origin.graph, flow.origin.path, flow.direction)
                self._open[key].append(Open(declared, flow))

    def severity_on(self, *plugins: Plugin) -> Severity | None:
        """How grave is what holds on these plugins only: not at all on another, and good to know on an unknown one."""
        if self.plugin is None:
            return Severity.INFO
        return Severity.WARNING if self.plugin in plugins else None

    def said(self) -> Iterator[Said]:
        """Every entry of every service, those of `defaults` once for each."""
        for graph in self.graphs:
            for service in graph.services:
                for entry in service.calls:
                    yield Said(graph, service, entry, Direction.EGRESS)
                for entry in service.accepts:
                    yield Said(graph, service, entry, Direction.INGRESS)

    def opened(self, said: Said) -> list[Open]:
        """What an entry opens at its own service."""
        return self._open.get((said.service.key, said.graph.key, said.entry.path, said.direction), [])

    def of(self, service: ServiceKey) -> list[Declared]:
        """What is declared for each selector of a service."""
        return self._of.get(service, [])

    def asks_dns(self, graph: Graph) -> list[Open]:
        """What the services of a graph may ask DNS."""
        return [
            opened
            for service in graph.services
            for opened in self._open.get((service.key, graph.key, f"{service.path}.dns", Direction.EGRESS), ())
        ]

    def namespaces(self, peer: PodPeer, own: str) -> Iterable[str]:
        """The namespaces that a peer of a policy in the namespace `own` means."""
        return (own,) if peer.namespaces is None else self.inventory.namespaces_matching(peer.namespaces)

    def pods(self, namespace: str, selector: Selector) -> list[Workload]:
        """The workloads whose pods a selector selects, but for those outside every policy."""
        return [w for w in self.inventory.matching(namespace, selector) if not w.host_network]

    def meeting(self, namespace: str, selector: Selector) -> Iterator[Declared]:
        """The declared pods of a namespace that a selector means: some workload is both, or one lies in the other."""
        pods = self.pods(namespace, selector)
        for service, subject in sorted(self._terms.overlapping(namespace, selector)):
            shares = any(subject.matches(pod_labels(w)) for w in pods)
            if shares or implies(selector, subject) or implies(subject, selector):
                yield self._at[service, subject]

    def is_declared(self, workload: Workload) -> bool:
        """Whether some service of a graph has these pods."""
        return any(self._terms.matching(workload.key.namespace, pod_labels(workload)))

    def covers(self, peer: Peer, of: str, namespace: str, pods: Selector) -> bool:
        """Whether a peer of a policy in the namespace `of` means all these pods of a namespace."""
        if isinstance(peer, AnyPeer):
            return True
        if not isinstance(peer, PodPeer):
            return False
        there = namespace == of if peer.namespaces is None else peer.namespaces.matches(self.labels(namespace))
        if not there:
            return False
        known = self.pods(namespace, pods)
        return implies(pods, peer.pods) or (bool(known) and all(peer.pods.matches(pod_labels(w)) for w in known))

    def labels(self, namespace: str) -> dict[str, str]:
        """The labels of a namespace, as far as they are known."""
        known = self.inventory.namespaces.get(namespace)
        return {**(known.labels if known else {}), NAMESPACE_LABEL: namespace}


def listed(names: Iterable[object]) -> str:
    """Some names, at most three of them, and how many more there are."""
    found = list(dict.fromkeys(map(str, names)))
    more = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
