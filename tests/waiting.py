"""Waiting for what a test expects: conditions, never seconds."""

import asyncio
import time
from collections.abc import Callable

SECONDS = 180.0
"""Far more than anything takes: a machine may have other work, and a condition that holds costs no waiting."""

PATIENCE = 300.0
"""The same for a command, and for whatever else may itself wait for as long as SECONDS."""

_POLL = 0.02


def eventually(condition: Callable[[], object], what: str = "", seconds: float = SECONDS, poll: float = _POLL) -> None:
    """Return as soon as the condition holds; fail the test when it does not within `seconds`. Asks every `poll` s."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        time.sleep(poll)


async def becomes(condition: Callable[[], object], what: str = "", seconds: float = SECONDS) -> None:
    """The same inside an event loop, which goes on meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or condition}"
        await asyncio.sleep(_POLL)
