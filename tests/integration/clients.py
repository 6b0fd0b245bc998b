"""Our own client, for tests: one event loop a scenario."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import from_kubeconfig

T = TypeVar("T")


def with_client(kubeconfig: Path, work: Callable[[ApiClient], Awaitable[T]]) -> T:
    """What `work` gives, run in an event loop of its own with a client of the kubeconfig's user."""

    async def run() -> T:
        async with ApiClient(from_kubeconfig(kubeconfig)) as client:
            return await work(client)

    return asyncio.run(run())
