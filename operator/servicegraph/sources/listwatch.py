"""A copy of one collection of the API server, kept current: list, then watch, through whatever fails.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Generic, TypeVar

import msgspec

from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.backoff import Backoff
from servicegraph.sources.resources import Resource
from servicegraph.sources.wire import Bookmark, Page, Status, WatchEvent

K = TypeVar("K")
T = TypeVar("T")

WATCH_SECONDS = (300, 600)
"""A watch is ended by the API server after a random time in between, so that connections spread over its replicas."""

SILENCE_SECONDS = 180.0
"""A watch that says nothing for this long is dead: the API server sends a bookmark every minute or two."""

PERMISSION_SECONDS = 30.0
"""Between attempts at what somebody must permit or install first."""

_FAILURES_BEFORE_RELIST = 3
_SHORTEST_WATCH = 1.0
_FORBIDDEN, _NOT_FOUND, _EXPIRED = 403, 404, 410

_log = logging.getLogger(__name__)
_page = msgspec.json.Decoder(Page[msgspec.Raw])
_event = msgspec.json.Decoder(WatchEvent)
_bookmark = msgspec.json.Decoder(Bookmark)
_status = msgspec.json.Decoder(Status)


class ListWatch(Generic[K, T]):
    """The objects of `resource`, of one namespace or of all, as `items` by key, as they were at `version`.

    `on_change(key, old, new)` is called for each object that is new, differs in what is kept of it, or is gone
    (`new` is None), deletions that happened while nothing was watched included. It is called in the event loop and
    must not block; what it raises ends run(). So is `on_list()`, after each list: `items` is then all there was.
    """

    def __init__(
        self,
        client: ApiClient,
        resource: Resource[K, T],
        on_change: Callable[[K, T | None, T | None], None],
        *,
        namespace: str = "",
        silence: float = SILENCE_SECONDS,
        on_list: Callable[[], None] = lambda: None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.items: dict[K, T] = {}
        self.synced = asyncio.Event()
        self.trouble: str | None = None
        self.relists = 0
        self._client = client
        self._on_change = on_change
        self._on_list = on_list
        self._silence = silence
        self._path = resource.path(namespace)
        self._decoder = msgspec.json.Decoder(resource.wire)
        self.version = ""
        self._alive_at = time.monotonic()
        self._backoff = Backoff()

    @property
    def staleness(self) -> float:
        """Seconds since the API server last said that this copy is current."""
        return time.monotonic() - self._alive_at

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                if not self.version:
                    await self._list()
                await self._watch()
            except ApiError as error:
                await asyncio.sleep(self._failed(error))

    async def _list(self) -> None:
        page = await self._client.list_all(self._path, self._read_page, label_selector=self.resource.label_selector)
        found = dict(page.items)
        for key in [key for key in self.items if key not in found]:
            self._set(key, None)
        for key, item in found.items():
            self._set(key, item)
        self.version = page.metadata.resource_version
        self.relists += 1
        self._on_list()
        self._alive()
        self.synced.set()

    async def _watch(self) -> None:
        began = time.monotonic()
        batches = self._client.watch(
            self._path,
            resource_version=self.version,
            seconds=random.randint(*WATCH_SECONDS),
            silence=self._silence,
            label_selector=self.resource.label_selector,
        )
        async with aclosing(batches):
            async for lines in batches:
                for line in lines:
                    self._receive(_event.decode(line))
                    self._backoff.succeeded()
                self._alive()
        if time.monotonic() - began < _SHORTEST_WATCH:
            raise ApiError(0, "Unreachable", f"the watch of {self._path} ended at once")

    def _receive(self, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            self.version = _bookmark.decode(event.object).metadata.resource_version
        elif event.type in ("ADDED", "MODIFIED", "DELETED"):
            key, item, self.version = self._read(event.object)
            self._set(key, None if event.type == "DELETED" else item)
        else:
            status = _status.decode(event.object)
            raise ApiError(status.code, status.reason, status.message)

    def _read_page(self, body: bytes) -> Page[tuple[K, T | None]]:
        page = _page.decode(body)
        return Page(page.metadata, [self._read(raw)[:2] for raw in page.items])

    def _read(self, raw: msgspec.Raw) -> tuple[K, T | None, str]:
        """Key, what is kept, resourceVersion. One object that makes no sense must not blind us to the others."""
        try:
            return self.resource.read(self._decoder.decode(raw))
        except (msgspec.ValidationError, ValueError) as error:
            metadata = _bookmark.decode(raw).metadata
            key = self.resource.key(metadata.namespace, metadata.name)
            _log.warning("%s %s is left out: %s", self.resource.kind, key, error)
            return key, None, metadata.resource_version

    def _set(self, key: K, new: T | None) -> None:
        old = self.items.get(key)
        if old == new:
            return
        if new is None:
            del self.items[key]
        else:
            self.items[key] = new
        self._on_change(key, old, new)

    def _alive(self) -> None:
        self._alive_at = time.monotonic()
        if self.trouble is not None:
            _log.info("%s: watched again", self._name)
            self.trouble = None

    def _failed(self, error: ApiError) -> float:
        """Note what went wrong; the seconds until the next attempt."""
        delay = self._backoff.failed(error.retry_after)
        if error.status == _EXPIRED or (error.status and self._backoff.failures >= _FAILURES_BEFORE_RELIST):
            self.version = ""
        if error.status == _EXPIRED:
            return delay
        trouble = self._explain(error)
        if trouble != self.trouble:
            _log.warning("%s", trouble)
            self.trouble = trouble
        return max(delay, PERMISSION_SECONDS) if error.status in (_FORBIDDEN, _NOT_FOUND) else delay

    @property
    def _name(self) -> str:
        resource = f"{self.resource.plural}.{self.resource.group}".rstrip(".")
        return f"{resource} in namespace {self.namespace}" if self.namespace else resource

    def _explain(self, error: ApiError) -> str:
        match error.status:
            case 403:
                return f"{self._name}: not permitted. Grant the verbs list and watch ({error.message})"
            case 404:
                return f"{self._name}: the API server has no such kind. Install its CustomResourceDefinition"
            case _:
                return f"{self._name}: {error}"
