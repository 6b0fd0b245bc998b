"""Which ServiceGraphs are there? Asked by a list of their names, now and then.

kopf loses deletions that happen while its watch is renewed after 410 Gone, and can fall silent; this notices both.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from servicegraph.controller.graphs import GraphStore
from servicegraph.controller.handlers import Receive
from servicegraph.model.refs import GraphKey
from servicegraph.model.resource import GROUP, PLURAL, VERSION
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.wire import Page

SECONDS = 10.0

_log = logging.getLogger(__name__)


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    namespace: str
    uid: str
    resource_version: str
    generation: int = 0
    deletion_timestamp: str | None = None


class _Listed(msgspec.Struct, frozen=True):
    metadata: _Metadata


_whole = msgspec.json.Decoder(Page[dict[str, Any]]).decode
_names = msgspec.json.Decoder(Page[_Listed]).decode


class RollCall:
    """Compares the graphs there are with the graphs that are known."""

    def __init__(self, client: ApiClient, namespaces: tuple[str, ...], graphs: GraphStore, receive: Receive) -> None:
        self._client = client
        self._paths = [_path(namespace) for namespace in namespaces] or [_path("")]
        self._graphs = graphs
        self._receive = receive
        self._late: set[tuple[GraphKey, int]] = set()

    async def once(self) -> bool:
        """Tell what went by unnoticed; whether the watch is behind. Raises ApiError."""
        known = {graph.key: graph for graph in self._graphs}
        listed: dict[GraphKey, _Metadata] = {}
        for path in self._paths:
            page = await self._client.list_all(path, _names)
            listed |= {GraphKey(i.metadata.namespace, i.metadata.name): i.metadata for i in page.items}
        for key, graph in known.items():
            if key not in listed:
                gone = {"metadata": {"namespace": key.namespace, "name": key.name, "uid": graph.uid}}
                self._receive("DELETED", gone)
        late = {(key, m.generation) for key, m in listed.items() if self._is_news(key, m)}
        behind, self._late = late & self._late, late - self._late
        for key, _ in behind:
            self._receive("MODIFIED", await self._client.get(f"{_path(key.namespace)}/{key.name}"))
        return bool(behind)

    async def all(self) -> None:
        """Tell every graph there is. Raises ApiError."""
        for path in self._paths:
            for raw in (await self._client.list_all(path, _whole)).items:
                self._receive(None, raw)

    async def run(self, restart: Callable[[], None]) -> None:
        """Call the roll until cancelled; `restart` the watch when it is behind."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                if await self.once():
                    _log.warning("the watch of ServiceGraphs missed changes: it is started again")
                    restart()
            except ApiError as error:
                _log.debug("the roll of ServiceGraphs cannot be called: %s", error)

    def _is_news(self, key: GraphKey, metadata: _Metadata) -> bool:
        graph = self._graphs.get(key)
        if metadata.deletion_timestamp is not None:
            return graph is not None
        return graph is None or graph.uid != metadata.uid or graph.generation < metadata.generation


def _path(namespace: str) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{scope}/{PLURAL}"
