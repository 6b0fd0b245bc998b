"""What changed since the last compile, gathered: the first change is handed on at once, a burst together."""

import asyncio
import time
from typing import Any

from servicegraph.compiler.changes import Changes

KINDS = ("graphs", "services", "workloads", "namespaces", "endpoint_slices")


class Inbox:
    """Changes by kind and key; a later one replaces an earlier one. Batches are `apart` seconds apart, or more.

    It remembers what it was told, so that everything can be compiled anew. `since` is when the first change of what
    was taken last came, in seconds of time.monotonic().
    """

    def __init__(self, apart: float = 0.02) -> None:
        self._apart = apart
        self._changes: dict[str, dict[Any, Any]] = {kind: {} for kind in KINDS}
        self._known: dict[str, dict[Any, Any]] = {kind: {} for kind in KINDS}
        self._node_addresses: tuple[str, ...] | None = None
        self._known_addresses: tuple[str, ...] | None = None
        self.since = 0.0
        self._first_at: float | None = None
        self._woken = asyncio.Event()
        self._taken_at = 0.0

    def put(self, kind: str, key: Any, new: Any) -> None:
        """Note the new state of an object, None when it is gone. `kind` is a field of Changes."""
        self._changes[kind][key] = new
        if new is None:
            self._known[kind].pop(key, None)
        else:
            self._known[kind][key] = new
        if self._first_at is None:
            self._first_at = time.monotonic()
        self._woken.set()

    def put_nodes(self, addresses: tuple[str, ...]) -> None:
        """Note the addresses of the nodes."""
        self._node_addresses = self._known_addresses = addresses
        self._woken.set()

    def wake(self) -> None:
        """Make `take` return even when nothing changed."""
        self._woken.set()

    async def take(self) -> Changes:
        """Wait for changes; those of a burst come together."""
        await self._woken.wait()
        loop = asyncio.get_running_loop()
        wait = self._taken_at + self._apart - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        self._taken_at = loop.time()
        self._woken.clear()
        self.since, self._first_at = self._first_at or time.monotonic(), None
        changes = Changes(**self._changes, node_addresses=self._node_addresses)
        self._changes = {kind: {} for kind in KINDS}
        self._node_addresses = None
        return changes

    def everything(self) -> Changes:
        """All there is, as changes to nothing."""
        known = {kind: dict(objects) for kind, objects in self._known.items()}
        return Changes(**known, node_addresses=self._known_addresses)
