"""The operator as a whole: its parts, put together."""

import asyncio
import gc
import logging
from collections.abc import Mapping
from typing import Any

from servicegraph.compiler.incremental import Compiler
from servicegraph.controller.apply import Applier
from servicegraph.controller.caches import Caches
from servicegraph.controller.drains import Drains
from servicegraph.controller.engine import Engine, Queue
from servicegraph.controller.events import Events
from servicegraph.controller.gauges import gauge
from servicegraph.controller.graphsource import GraphSource
from servicegraph.controller.inbox import Inbox
from servicegraph.controller.metrics import Metrics
from servicegraph.controller.others import Others
from servicegraph.controller.queue import WorkQueue
from servicegraph.controller.report import Reporter, Reports
from servicegraph.controller.scales import Scales
from servicegraph.controller.settings import Settings
from servicegraph.controller.state import State
from servicegraph.controller.surroundings import Surroundings
from servicegraph.controller.worker import Worker
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import Connection

REPORTERS = 4
GAUGE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Operator:
    """Everything between the API server's events and our writes to it."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        client: ApiClient,
        profile: ClusterProfile,
        metrics: Metrics,
        identity: str,
    ) -> None:
        self._settings = settings
        self._inbox = Inbox(settings.debounce_ms / 1000)
        self._state = State()
        self._queue: Queue = WorkQueue()
        self._reports: Reports = WorkQueue()
        self._caches = Caches(client, settings.namespaces, self._inbox, self._state, self._queue)
        self._drains = Drains(client, self._state)
        self._engine = Engine(Compiler(profile), self._inbox, self._state, self._drains, self._queue, metrics)
        self._events = Events(client, identity)
        self._reporter = Reporter(client, self._state, self._events, self.receive)
        self._applier = Applier(client, self._state, metrics, settings.concurrency)
        self._scales = Scales(client, self._state.graphs, self._inbox)
        self._source = GraphSource(client, connection, settings.namespaces, self._state.graphs, self.receive)
        self._others = Others(client, settings.namespaces, self._state)
        self._surroundings = Surroundings(client, profile, self._caches.follow_cilium, self._engine.recompile)
        self._metrics = metrics
        metrics.watch_staleness(self._caches.staleness)
        metrics.queue.set_function(lambda: len(self._queue))

    def trouble(self) -> str | None:
        """Why the operator is not ready, None when it is."""
        if not self._source.listed:
            return "servicegraphs are not listed yet"
        return self._caches.trouble() or (None if self._surroundings.profile else "the cluster is not looked at yet")

    async def follow(self, tasks: asyncio.TaskGroup) -> None:
        """Keep the caches warm and compile; returns when they are complete. Nothing is written."""
        self._caches.start(tasks)
        await self._source.list()
        tasks.create_task(self._source.watch())
        tasks.create_task(self._source.call_the_roll())
        await self._scales.find()
        tasks.create_task(self._scales.run())
        await self._caches.synced()
        await self._surroundings.find()
        tasks.create_task(self._engine.run())
        tasks.create_task(self._gauge())
        tasks.create_task(self._surroundings.run(lambda: self._caches.nodes_changed(self._settings.resync_seconds)))

    async def lead(self, tasks: asyncio.TaskGroup) -> None:
        """Write, from now on."""
        await self._others.look()
        await self._engine.lead()
        gc.freeze()  # what is cached lasts: to collect it takes most of a second at 18,500 services
        self._caches.compare_all()
        for _ in range(self._settings.concurrency):
            worker = Worker(self._queue, self._state, self._applier, self._reports, self._metrics)
            tasks.create_task(worker.run())
        for _ in range(REPORTERS):
            tasks.create_task(self._reporter.run(self._reports))
        tasks.create_task(self._events.run())
        tasks.create_task(self._resync())
        tasks.create_task(self._poll_drains())

    def receive(self, kind: str | None, raw: Mapping[str, Any]) -> None:
        """Take what happened to a ServiceGraph: `kind` is the type of the watch event, None in a list."""
        metadata = raw["metadata"]
        key = GraphKey(metadata["namespace"], metadata["name"])
        graphs = self._state.graphs
        if kind == "DELETED":
            old, new = graphs.drop(key, metadata["uid"]), None
        else:
            old, new = graphs.put(raw)
        if old is new:
            return
        if old and new and (old.uid, old.generation) == (new.uid, new.generation):
            self._queue.add(key.namespace, (key,))
            return
        self._inbox.put("graphs", key, new.graph if new else None)
        self._scales.ask()

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            await self._others.look()
            await self._caches.resync()

    async def _poll_drains(self) -> None:
        while True:
            await asyncio.sleep(self._settings.drain_poll_seconds)
            if self._drains.services:
                self._engine.ask_again()

    async def _gauge(self) -> None:
        while True:
            gauge(self._state, self._metrics)
            await asyncio.sleep(GAUGE_SECONDS)
