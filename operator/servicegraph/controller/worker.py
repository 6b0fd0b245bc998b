"""Namespaces come off the queue one at a time each: plan, apply, plan again until nothing is left."""

import logging
import time

from servicegraph.controller.apply import Applier, Refusal
from servicegraph.controller.engine import EVERYTHING, Item, Queue
from servicegraph.controller.live import PolicyKey
from servicegraph.controller.metrics import Metrics
from servicegraph.controller.plan import Plan, plan
from servicegraph.controller.report import STATUS, Reports
from servicegraph.controller.state import State
from servicegraph.controller.status import Failure
from servicegraph.model.policy import Mode
from servicegraph.model.refs import GraphKey

MOST_ROUNDS = 10
"""Plans in a row for one namespace; what is still left waits for a retry."""

_log = logging.getLogger(__name__)


class Worker:
    """Takes namespaces off the queue; any number of `run` may be under way."""

    def __init__(self, queue: Queue, state: State, applier: Applier, reports: Reports, metrics: Metrics) -> None:
        self._queue = queue
        self._state = state
        self._applier = applier
        self._reports = reports
        self._metrics = metrics

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            namespace, items = await self._queue.get()
            with self._metrics.reconcile.time():
                try:
                    await self._process(namespace, items)
                finally:
                    self._queue.done(namespace)

    async def _process(self, namespace: str, items: frozenset[Item]) -> None:
        names = None if EVERYTHING in items else {item for item in items if isinstance(item, str)}
        graphs = {item for item in items if isinstance(item, GraphKey)}
        if names is None or names:
            graphs |= await self._policies(namespace, names)
        for graph in graphs:
            self._reports.add(graph, (STATUS,))

    async def _policies(self, namespace: str, names: set[str] | None) -> set[GraphKey]:
        """Bring policies in line; the graphs that have something new to report."""
        skip: dict[str, Refusal] = {}
        done: set[str] = set()
        last = plan(self._state.view(namespace), names)
        for _ in range(MOST_ROUNDS):
            if not last.actions:
                break
            written, refused = await self._applier.run(namespace, last, skip)
            done |= written
            skip |= {name: refusal for name, refusal in refused.items() if refusal.again is not None}
            last = plan(self._state.view(namespace), names)
            if not written and refused.keys() <= skip.keys():
                break
        graphs = self._note(namespace, names, last, skip)
        self._measure(namespace, done)
        return graphs

    def _note(self, namespace: str, names: set[str] | None, last: Plan, skip: dict[str, Refusal]) -> set[GraphKey]:
        """Remember what is left, and when to try it again."""
        left = {action.name for action in last.actions}
        pending = self._state.pending[namespace]
        failing = {name for ns, name in self._state.failures if ns == namespace}
        seen = pending.keys() | failing | left if names is None else names | left
        failures = {name: refusal.failure for name, refusal in skip.items() if name in left}
        failures |= {name: _taken(name) for name in last.taken}
        changed = {name for name in seen | failures.keys() if self._remember((namespace, name), failures.get(name))}
        changed |= (seen & pending.keys()) ^ left
        waiting = {name: self._state.graph_of((namespace, name)) or pending.get(name) for name in changed | left}
        for name in seen:
            pending.pop(name, None)
        pending.update((name, waiting[name]) for name in left)
        for name in left:
            refusal = skip.get(name)
            delay = self._queue.retry(namespace, name, refusal.again or 0.0 if refusal else 0.0)
            if refusal:
                _log.warning("%s/%s: %s; again in %.1f s", namespace, name, refusal.failure.message, delay)
        for name in seen - left:
            self._queue.forget(namespace, name)
        return {graph for name in changed if (graph := waiting[name])} | self._holding(namespace)

    def _measure(self, namespace: str, done: set[str]) -> None:
        """Tell how long it took from a change of labels or ports to the last policy that it needed."""
        state = self._state
        over = [key for key in state.moved if key[0] == namespace and key[1] not in state.pending[namespace]]
        began = [at for key in over if (at := state.moved.pop(key)) and key[1] in done]
        if began:
            self._metrics.label_change.observe(time.monotonic() - min(began))

    def _remember(self, key: PolicyKey, failure: Failure | None) -> bool:
        before = self._state.failures.pop(key, None)
        if failure is not None:
            self._state.failures[key] = failure
        return before != failure

    def _holding(self, namespace: str) -> set[GraphKey]:
        """Graphs whose status says what would be written."""
        return {key for key, record in self._state.view(namespace).graphs.items() if record.mode is Mode.DRY_RUN}


def _taken(name: str) -> Failure:
    message = (
        f"somebody else has a NetworkPolicy named {name}, which is never touched: delete or rename it, "
        "and this one is created"
    )
    return Failure(name, "NameTaken", message, lasting=True)
