"""Changes are compiled, and what differs is put on the queue. One batch at a time, off the event loop."""

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from servicegraph.compiler.changes import Changes, Delta, GraphResult
from servicegraph.compiler.emit.names import DEFAULT_DENY
from servicegraph.compiler.incremental import Compiler
from servicegraph.controller.draining import Terms, label_selector
from servicegraph.controller.drains import Drains
from servicegraph.controller.inbox import Inbox
from servicegraph.controller.live import PolicyKey, service_of
from servicegraph.controller.metrics import Metrics
from servicegraph.controller.proofs import Proofs
from servicegraph.controller.proving import Check
from servicegraph.controller.queue import WorkQueue
from servicegraph.controller.state import State
from servicegraph.controller.view import Wanted, wanted
from servicegraph.model.cluster import Listening
from servicegraph.model.policy import Policy
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import Selector

EVERYTHING = "*"
"""The item that stands for every policy of a namespace."""

Item = str | GraphKey
Queue = WorkQueue[str, Item]

_log = logging.getLogger(__name__)


def services_of(delta: Delta) -> frozenset[ServiceKey]:
    """The services whose policies a change reached."""
    return frozenset(ServiceKey(ns, service) for ns, name in delta.policies if (service := service_of(name)))


class Engine:
    """Owns the compiler. `queue` gets namespaces with the names of policies to compare and the graphs to report on."""

    def __init__(
        self, compiler: Compiler, inbox: Inbox, state: State, drains: Drains, queue: Queue, metrics: Metrics
    ) -> None:
        self._compiler = compiler
        self._inbox = inbox
        self._state = state
        self._drains = drains
        self._queue = queue
        self._metrics = metrics
        self._profile: ClusterProfile | None = None
        self._leading = False
        self._asked: set[ServiceKey] = set()
        self._proofs = Proofs(state)
        self._unreported: set[GraphKey] = set()
        self._settled = asyncio.Event()

    async def run(self) -> None:
        """Compile what comes until cancelled. Start it when every cache is complete."""
        while True:
            await self._step(await self._inbox.take())

    async def lead(self) -> None:
        """From now on former terms are asked about; returns when all have been, so that writing may begin."""
        self._leading = True
        self.ask_again(self._state.live_services())
        await self._settled.wait()

    def ask_again(self, services: Iterable[ServiceKey] | None = None) -> None:
        """Ask whether the former terms of these services are still needed; by default of those that drain."""
        self._asked.update(self._drains.services if services is None else services)
        self._inbox.wake()

    def recompile(self, profile: ClusterProfile) -> None:
        """Compile everything anew, with another profile."""
        self._profile = profile
        self._inbox.wake()

    async def _step(self, changes: Changes) -> None:
        leading = self._leading
        if self._profile is not None:
            self._compiler, self._profile = Compiler(self._profile), None
            known = self._inbox.everything()
            graphs = {**known.graphs, **changes.graphs}
            changes = msgspec.structs.replace(known, graphs=graphs, draining=self._drains.terms())
            delta, found = await self._update(self._with_incumbents(changes))
            found = dict.fromkeys(self._state.wanted_keys()) | found
        else:
            delta, found = await self._update(self._with_incumbents(changes))
        if leading:
            asked = self._asked | services_of(delta)
            self._asked = set()
            current = {service: self._terms(service) for service in asked}
            told = await self._drains.settle(current)
            self._metrics.draining.set(self._drains.count)
            if told:
                more, again = await self._update(Changes(draining=told))
                found |= again
                delta = Delta(delta.policies | more.policies, delta.graphs | more.graphs)
            self._note_gaps(current)
        self._publish(changes, found)
        await self._prove(changes, delta)
        await self._publish_results()
        if leading:
            self._settled.set()

    async def _update(self, changes: Changes) -> tuple[Delta, dict[PolicyKey, Wanted | None]]:
        began = time.perf_counter()
        found = await asyncio.to_thread(self._compile, changes)
        self._metrics.compile.observe(time.perf_counter() - began)
        return found

    def _compile(self, changes: Changes) -> tuple[Delta, dict[PolicyKey, Wanted | None]]:
        delta = self._compiler.update(changes)
        found: dict[PolicyKey, Wanted | None] = dict.fromkeys(delta.policies)
        checks: dict[ServiceKey | str, Check] = {}
        for policy in self._policies(delta):
            if (key := (policy.namespace, policy.name)) in found:
                whose = policy.service or policy.namespace
                if whose not in checks:
                    checks[whose] = Check.of(self._compiler, policy.namespace, policy.service)
                found[key] = wanted(policy, self._drains.annotations(policy), checks[whose])
        return delta, found

    def _policies(self, delta: Delta) -> Iterator[Policy]:
        """The policies of the services, and the default denies, that a change reached."""
        for service in services_of(delta):
            yield from self._compiler.policies_of(service)
        for namespace in {namespace for namespace, name in delta.policies if name == DEFAULT_DENY}:
            yield from (policy for policy in self._compiler.policies(namespace) if policy.name == DEFAULT_DENY)

    def _with_incumbents(self, changes: Changes) -> Changes:
        """Say who holds the services that several of the changed graphs' neighbours declare too."""
        twice = {
            service.key
            for graph in changes.graphs.values()
            for service in (graph.services if graph else ())
            if len(self._state.graphs.declaring(service.key)) > 1
        }
        if not twice:
            return changes
        return msgspec.structs.replace(changes, incumbents={service: self._holder(service) for service in twice})

    def _holder(self, service: ServiceKey) -> GraphKey | None:
        """The graph that declares a service and owns its live policies: known before anything has been compiled."""
        uids = {owner.uid for policy in self._state.live_of(service) for owner in policy.owners}
        graphs = self._state.graphs
        claims = sorted(graphs.declaring(service))
        return next((key for key in claims if (live := graphs.get(key)) and live.uid in uids), None)

    def _terms(self, service: ServiceKey) -> Terms:
        """The terms a service has now, each with the ways its pods are reached."""
        found: dict[Selector, list[Listening]] = {}
        for term in self._compiler.subject(service).terms:
            if not term.draining:
                found.setdefault(term.selector, []).append(term.listening)
        return found

    def _note_gaps(self, services: Mapping[ServiceKey, Terms]) -> None:
        for service, current in services.items():
            found = self._drains.gaps(service, current)
            if bool(found) != (service in self._state.gaps):
                self._state.gaps.pop(service, None)
                if found:
                    self._state.gaps[service] = label_selector(found[0])
                for key in self._state.graphs.declaring(service):
                    self._queue.add(key.namespace, (key,))

    def _publish(self, changes: Changes, found: Mapping[PolicyKey, Wanted | None]) -> None:
        dirty: dict[str, set[Item]] = {}
        for key, item in found.items():
            self._state.want(key, item)
            dirty.setdefault(key[0], set()).add(key[1])
        if self._leading and not changes.graphs:
            for key in found:
                self._state.moved.setdefault(key, self._inbox.since)
        for graph in changes.graphs:
            self._state.record(graph)
            dirty.setdefault(graph.namespace, set()).add(EVERYTHING)
        for namespace, items in dirty.items():
            self._queue.add(namespace, items)

    async def _prove(self, changes: Changes, delta: Delta) -> None:
        """Hold what should be, with the policies of others, against the graphs; a part of it where it is much."""
        self._unreported |= delta.graphs | changes.graphs.keys()
        self._proofs.note(self._compiler, changes, delta)
        if task := self._proofs.next():
            self._unreported |= self._proofs.take(task, await asyncio.to_thread(task.run, self._compiler))
        if self._proofs.waiting:
            self._inbox.wake()

    async def _publish_results(self) -> None:
        """What the statuses say, after the policies are on their way; not before all of it is proven."""
        graphs = self._unreported - self._proofs.waiting
        self._unreported -= graphs
        for graph, result in (await asyncio.to_thread(self._results, graphs)).items():
            if result is None:
                self._state.results.pop(graph, None)
            else:
                self._state.results[graph] = result
            self._queue.add(graph.namespace, (graph,))

    def _results(self, graphs: Collection[GraphKey]) -> dict[GraphKey, GraphResult | None]:
        return {graph: self._compiler.result(graph) for graph in graphs}
