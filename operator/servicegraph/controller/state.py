"""What the controller knows: graphs, wanted and live policies, and what is in the way of each."""

from collections import defaultdict
from collections.abc import Iterator

from servicegraph.compiler.changes import GraphResult
from servicegraph.controller.graphs import GraphStore
from servicegraph.controller.live import LivePolicy, PolicyKey, Standing, standing
from servicegraph.controller.proving import Finding, Place
from servicegraph.controller.status import Failure
from servicegraph.controller.view import ByName, GraphRecord, NamespaceView, Wanted
from servicegraph.model.policy import Engine
from servicegraph.model.refs import GraphKey, ServiceKey


class State:
    """Owned by the event loop: nothing here is touched from another thread.

    `pending` are names whose writes have not been accepted yet, each with the graph that waits for it: of a policy
    that is to go nothing else may be left to tell. `failures` says why where it is known.
    `moved` are policies that labels or ports reach which changed, with when that was seen, by time.monotonic().
    `gaps` has, for services that moved to pods that no term covered before, those pods' selector.
    `unenforced` says why policies may have no effect here, None where something enforces them.
    `findings` has, for services, and for the other pods of namespaces, what differs from what is declared there.
    `touched` are namespaces where a policy of somebody else changed and nothing has been proven since.
    `unmodelled` are policies of kinds that the proof does not know, by the namespace they are for, all where empty.
    """

    graphs: GraphStore
    results: dict[GraphKey, GraphResult]
    gaps: dict[ServiceKey, str]
    unenforced: str | None
    failures: dict[PolicyKey, Failure]
    pending: dict[str, dict[str, GraphKey | None]]
    moved: dict[PolicyKey, float]
    findings: dict[Place, Finding]
    touched: set[str]
    unmodelled: dict[str, str]

    def __init__(self) -> None:
        self.graphs = GraphStore()
        self.results = {}
        self.gaps = {}
        self.unenforced = None
        self.failures = {}
        self.pending = defaultdict(dict)
        self.moved = {}
        self.findings = {}
        self.touched = set()
        self.unmodelled = {}
        self._alien: dict[str, dict[str, LivePolicy]] = defaultdict(dict)
        self._records: dict[str, dict[GraphKey, GraphRecord]] = defaultdict(dict)
        self._wanted: dict[str, ByName[Wanted]] = defaultdict(ByName)
        self._live: dict[str, ByName[LivePolicy]] = defaultdict(ByName)
        self._told: dict[tuple[Engine, str], int] = defaultdict(int)

    def view(self, namespace: str) -> NamespaceView:
        """A namespace for the planner: not a copy, so it is read before anything is awaited."""
        records = self._records[namespace]
        return NamespaceView(namespace, self._wanted[namespace], self._live[namespace], records)

    def namespaces(self) -> frozenset[str]:
        """Namespaces with graphs, wanted policies or live ones."""
        return frozenset((*self._records, *self._wanted, *self._live))

    def record(self, key: GraphKey) -> None:
        """Bring the planner's record of a graph up to date with the store."""
        live = self.graphs.get(key)
        if live is None:
            self._records[key.namespace].pop(key, None)
            self.results.pop(key, None)
        else:
            self._records[key.namespace][key] = live.record

    def want(self, key: PolicyKey, wanted: Wanted | None) -> None:
        """Note what the compiler wants of a policy, None for nothing. It is pending until it has been compared."""
        namespace, name = key
        pending = self.pending[namespace]
        pending[name] = wanted.policy.graph if wanted else self.graph_of(key) or pending.get(name)
        if wanted is None:
            self._wanted[namespace].drop(name)
        else:
            self._wanted[namespace].put(name, wanted)

    def wanted_keys(self) -> list[PolicyKey]:
        """Every policy that is wanted."""
        return [(namespace, name) for namespace, names in self._wanted.items() for name in names]

    def saw(self, policy: LivePolicy) -> bool:
        """A watch says that a policy is live in this state; whether that is news. An older state is none."""
        policies = self._live[policy.namespace]
        old = policies.get(policy.name)
        if old is None or int(old.version) < int(policy.version):
            policies.put(policy.name, policy)
            self._note_alien(policy.namespace, policy.name, policy)
            return True
        return False

    def answered(self, policy: LivePolicy) -> bool:
        """An answer says so; whether that is news. It may come after the watch has told that the policy was deleted."""
        told = max(self._told[policy.engine, ""], self._told[policy.engine, policy.namespace])
        if policy.name not in self._live[policy.namespace] and int(policy.version) < told:
            return False
        return self.saw(policy)

    def told(self, engine: Engine, namespace: str, version: str) -> None:
        """A watch has told everything up to this resourceVersion, of all namespaces where `namespace` is empty.

        https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions says that they are in order.
        """
        self._told[engine, namespace] = int(version)

    def gone(self, key: PolicyKey, uid: str) -> bool:
        """The policy with this UID is not live any more; whether that is news. Another may have its name already."""
        namespace, name = key
        old = self._live[namespace].get(name)
        if old is not None and old.uid == uid:
            self._live[namespace].drop(name)
            self._note_alien(namespace, name, None)
            return True
        return False

    def foreign(self, namespace: str) -> list[LivePolicy]:
        """Live policies of others in a namespace, as far as their kind is compared with ours."""
        uids = frozenset(record.uid for record in self._records[namespace].values())
        return [p for p in self._alien.get(namespace, {}).values() if standing(p, uids) is not Standing.OURS]

    def _note_alien(self, namespace: str, name: str, policy: LivePolicy | None) -> None:
        policies = self._alien[namespace]
        old = policies.pop(name, None)
        if policy is not None and policy.alien:
            policies[name] = policy
        new = policies.get(name)
        if (old is None) != (new is None) or (old and new and old.rules != new.rules):
            self.touched.add(namespace)

    def live(self, namespace: str) -> list[LivePolicy]:
        """Live policies of a namespace, or of all where it is empty."""
        chosen = [self._live[namespace]] if namespace else list(self._live.values())
        return [policy for policies in chosen for policy in policies.values()]

    def live_of(self, service: ServiceKey) -> Iterator[LivePolicy]:
        """Live policies whose name is that of a service's."""
        policies = self._live[service.namespace]
        return (found for name in tuple(policies.of_service(service.name)) if (found := policies.get(name)))

    def live_services(self) -> frozenset[ServiceKey]:
        """Services that live policies are named after."""
        return frozenset(ServiceKey(ns, service) for ns, live in self._live.items() for service in live.services())

    def owner(self, policy: LivePolicy) -> GraphKey | None:
        """The graph that owns a live policy."""
        uids = {owner.uid for owner in policy.owners}
        return next((key for key, record in self._records[policy.namespace].items() if record.uid in uids), None)

    def graph_of(self, key: PolicyKey) -> GraphKey | None:
        """The graph that wants a policy, else the one that owns it."""
        namespace, name = key
        if wanted := self._wanted[namespace].get(name):
            return wanted.policy.graph
        live = self._live[namespace].get(name)
        return self.owner(live) if live else None
