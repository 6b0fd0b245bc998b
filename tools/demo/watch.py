"""What happens at the API server, with the moment at which it was seen here."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from servicegraph.sources.api import ApiClient
from tools.demo.errors import DemoError

Objects = Mapping[str, Mapping[str, Any]]

PATIENCE_SECONDS = 30.0
QUIET_SECONDS = 0.25
"""A change counts as complete when what is waited for holds and nothing more came for so long."""

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch. `at` is in seconds of `perf_counter`; `before` is the object's last state seen."""

    at: float
    kind: str
    name: str
    object: Mapping[str, Any]
    before: Mapping[str, Any] | None


class Watch:
    """The objects of one collection, by name, and every event since it began."""

    def __init__(self, client: ApiClient, path: str) -> None:
        self.began = asyncio.Event()
        self.objects: dict[str, Mapping[str, Any]] = {}
        self.events: list[Event] = []
        self._client = client
        self._path = path
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Watch until cancelled; from when `began` is set everything is seen. Raises ApiError, DemoError."""
        page = await self._client.get(self._path)
        self.objects = {item["metadata"]["name"]: item for item in page["items"]}
        self.began.set()
        version = page["metadata"]["resourceVersion"]
        while True:
            async for batch in self._client.watch(self._path, resource_version=version, seconds=_HOUR, silence=_HOUR):
                at = perf_counter()
                for line in filter(None, batch):
                    version = self._saw(at, json.loads(line))
                async with self._changed:
                    self._changed.notify_all()

    async def until(self, condition: Callable[[Objects], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when the condition holds. Raises DemoError when it does not in time."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: bool(condition(self.objects)))
        except TimeoutError:
            raise DemoError(f"waited {seconds:g} s for this, and it did not happen: {what}") from None

    async def settled(
        self, condition: Callable[[Objects], object], what: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Return when the condition holds and nothing more comes. Raises DemoError when it does not in time."""
        while True:
            await self.until(condition, what, seconds)
            seen = len(self.events)
            await asyncio.sleep(QUIET_SECONDS)
            if len(self.events) == seen and condition(self.objects):
                return

    def _saw(self, at: float, event: Mapping[str, Any]) -> str:
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            raise DemoError(f"the API server ended the watch of {self._path}: {found.get('message', found)}")
        if kind != "BOOKMARK":
            name = found["metadata"]["name"]
            self.events.append(Event(at, kind, name, found, self.objects.get(name)))
            if kind == "DELETED":
                self.objects.pop(name, None)
            else:
                self.objects[name] = found
        return str(found["metadata"]["resourceVersion"])
