"""Workloads of kinds that are not watched: their pods are asked of the scale subresource, now and then (R19)."""

import asyncio
import logging
from contextlib import suppress

from servicegraph.controller.graphs import GraphStore
from servicegraph.controller.inbox import Inbox
from servicegraph.model.cluster import Workload
from servicegraph.model.graph import WorkloadTerm
from servicegraph.model.refs import WorkloadKey
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.backoff import Backoff
from servicegraph.sources.objects import WORKLOADS
from servicegraph.sources.scale import scale_selector

SECONDS = 30.0
_WATCHED = {(resource.group, resource.kind) for resource in WORKLOADS}
_log = logging.getLogger(__name__)


class Scales:
    """Keeps the compiler told of such workloads."""

    def __init__(self, client: ApiClient, graphs: GraphStore, inbox: Inbox) -> None:
        self._client = client
        self._graphs = graphs
        self._inbox = inbox
        self._known: dict[WorkloadKey, Workload] = {}
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ask soon: a graph changed."""
        self._asked.set()

    async def run(self) -> None:
        """Ask again, now and then and when a graph changed, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await self._asked.wait()
            await self._look()

    async def find(self) -> None:
        """Ask until the API server has answered about each of them."""
        backoff = Backoff()
        while True:
            if await self._look():
                return
            await asyncio.sleep(backoff.failed())

    async def _look(self) -> bool:
        """Ask once about each of them; whether asking again soon would tell no more."""
        self._asked.clear()
        answered = [await self._refresh(key) for key in self._wanted()]
        return all(answered)

    def _wanted(self) -> list[WorkloadKey]:
        """Workloads of such kinds that graphs select, and those they selected before."""
        named = {
            term.key
            for live in self._graphs
            for service in (live.graph.services if live.graph else ())
            for term in service.selects
            if isinstance(term, WorkloadTerm) and (term.key.group, term.key.kind) not in _WATCHED
        }
        for key in self._known.keys() - named:
            del self._known[key]
            self._inbox.put("workloads", key, None)
        return sorted(named)

    async def _refresh(self, key: WorkloadKey) -> bool:
        try:
            selector = await scale_selector(self._client, key)
        except (ApiError, ValueError) as error:
            _log.warning("the pods of %s are not known: %s", key, error)
            return not (isinstance(error, ApiError) and error.is_transient)
        found = Workload(key, selector) if selector is not None else None
        if found != self._known.get(key):
            self._known.pop(key, None)
            if found is not None:
                self._known[key] = found
            self._inbox.put("workloads", key, found)
        return True
