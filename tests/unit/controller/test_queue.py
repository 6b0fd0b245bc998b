"""The work queue: turns, single flight, and a backoff for each item."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from servicegraph.controller import queue
from servicegraph.controller.queue import WorkQueue
from tests.waiting import becomes

Queue = WorkQueue[str, str]


def run(work: Callable[[Queue], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(10):
            await work(WorkQueue(jitter=lambda: 1.0))

    asyncio.run(whole())


def test_items_of_a_key_come_together() -> None:
    async def work(found: Queue) -> None:
        found.add("a", ["1"])
        found.add("a", ["2", "1"])
        assert await found.get() == ("a", frozenset({"1", "2"}))

    run(work)


def test_a_key_is_not_handed_out_twice_at_once() -> None:
    async def work(found: Queue) -> None:
        found.add("a", ["1"])
        assert await found.get() == ("a", frozenset({"1"}))
        found.add("a", ["2"])
        second = asyncio.create_task(found.get())
        found.add("b", ["3"])
        assert await second == ("b", frozenset({"3"}))
        found.done("a")
        assert await found.get() == ("a", frozenset({"2"}))

    run(work)


def test_a_key_that_never_rests_waits_its_turn() -> None:
    async def work(found: Queue) -> None:
        found.add("busy", ["1"])
        await found.get()
        found.add("busy", ["2"])
        found.add("quiet", ["3"])
        found.done("busy")
        assert (await found.get())[0] == "quiet"

    run(work)


def test_failures_double_the_delay_and_success_ends_that() -> None:
    async def work(found: Queue) -> None:
        delays = [found.retry("a", "1") for _ in range(4)]
        assert delays == [queue.FIRST_DELAY * factor for factor in (1, 2, 4, 8)]
        assert found.retry("a", "2") == queue.FIRST_DELAY
        assert found.retry("a", "2", at_least=7.5) == 7.5
        found.forget("a", "1")
        assert found.retry("a", "1") == queue.FIRST_DELAY
        assert max(found.retry("a", "3") for _ in range(50)) == queue.LONGEST_DELAY

    run(work)


def test_jitter_spreads_between_half_and_all_of_the_delay() -> None:
    async def work(_: Queue) -> None:
        assert WorkQueue[str, str](jitter=lambda: 0.0).retry("a", "1") == queue.FIRST_DELAY / 2

    run(work)


def test_what_failed_comes_back_and_others_do_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FIRST_DELAY", 0.05)

    async def work(found: Queue) -> None:
        found.retry("a", "failed")
        found.add("a", ["new"])
        assert await found.get() == ("a", frozenset({"new"}))
        found.done("a")
        await becomes(lambda: len(found) == 1, "the failed item is due")
        assert await found.get() == ("a", frozenset({"failed"}))

    run(work)
