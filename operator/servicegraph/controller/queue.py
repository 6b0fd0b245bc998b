"""A work queue: one worker per key at a time, keys in turn, and a backoff for each item that fails."""

import asyncio
import random
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Hashable)

FIRST_DELAY = 0.2
LONGEST_DELAY = 60.0


class WorkQueue(Generic[K, T]):
    """Items by key. A key is handed out with all its items, and not again until `done`; keys take turns."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._items: dict[K, set[T]] = {}
        self._busy: set[K] = set()
        self._failures: dict[tuple[K, T], int] = {}
        self._timers: dict[tuple[K, T], asyncio.TimerHandle] = {}
        self._ready = asyncio.Event()
        self._jitter = jitter

    def __len__(self) -> int:
        return len(self._items) + len(self._busy)

    def add(self, key: K, items: Iterable[T]) -> None:
        """Add items, to be handed out as soon as it is the key's turn."""
        found = set(items)
        if found:
            self._items.setdefault(key, set()).update(found)
            self._ready.set()

    def retry(self, key: K, item: T, at_least: float = 0.0) -> float:
        """Add an item that failed again after a delay in seconds, which is returned: it doubles with each failure."""
        failures = self._failures.get((key, item), 0)
        self._failures[key, item] = failures + 1
        longest = min(FIRST_DELAY * float(2 ** min(failures, 16)), LONGEST_DELAY)
        delay = max(longest * (0.5 + self._jitter() / 2), at_least)
        if timer := self._timers.pop((key, item), None):
            timer.cancel()
        self._timers[key, item] = asyncio.get_running_loop().call_later(delay, self._again, key, item)
        return delay

    def forget(self, key: K, item: T) -> None:
        """An item succeeded: its next failure is its first."""
        self._failures.pop((key, item), None)
        if timer := self._timers.pop((key, item), None):
            timer.cancel()

    async def get(self) -> tuple[K, frozenset[T]]:
        """Wait for the next key and its items."""
        while True:
            for key in self._items:
                if key not in self._busy:
                    self._busy.add(key)
                    return key, frozenset(self._items.pop(key))
            self._ready.clear()
            await self._ready.wait()

    def done(self, key: K) -> None:
        """The key may be handed out again; what came meanwhile waits its turn behind other keys."""
        self._busy.discard(key)
        if key in self._items:
            self._items[key] = self._items.pop(key)
            self._ready.set()

    def _again(self, key: K, item: T) -> None:
        del self._timers[key, item]
        self.add(key, (item,))
