"""The operator as a process of its own."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tools.cluster.ports import free_port
from tools.demo.errors import DemoError
from tools.demo.place import Place
from tools.demo.programs import SERVICEGRAPH, child
from tools.demo.screen import Screen

READY_SECONDS = 60.0
DRAIN_POLL_SECONDS = 1
LOG = "operator.log"

_LAST_LINES = 12


def command(place: Place, kubeconfig: Path, port: int) -> tuple[str, ...]:
    """How it is started: as its ServiceAccount, looking for drained pods more often than by default."""
    flags = ["--kubeconfig", str(kubeconfig), "--lease-namespace", place.home, "--listen", f"127.0.0.1:{port}"]
    flags += ["--drain-poll-seconds", str(DRAIN_POLL_SECONDS)]
    if place.confined:
        flags += ["--namespaces", place.namespace]
    if place.profile:
        flags += ["--profile", str(place.profile)]
    return (*SERVICEGRAPH, "operator", *flags)


def environment(place: Place) -> dict[str, str]:
    """The operator's environment: its temporary files go where they are removed even if it is killed."""
    return {**os.environ, "TMPDIR": str(place.folder)}


@asynccontextmanager
async def operating(screen: Screen, place: Place, kubeconfig: Path) -> AsyncIterator[asyncio.Task[None]]:
    """A ready operator for the time of the block; gives a task that fails as soon as the operator ends.

    A DemoError that leaves the block, or comes from starting, holds the end of the operator's log.
    """
    port = free_port()
    log = place.folder / LOG
    try:
        with log.open("wb") as file:
            started = child(*command(place, kubeconfig, port), stdout=file, stderr=file, env=environment(place))
            async with started as process:
                with screen.waiting("starting the operator …", "the operator is ready"):
                    await _ready(process, port)
                guard = asyncio.create_task(_guard(process))
                try:
                    yield guard
                finally:
                    guard.cancel()
    except DemoError as error:
        raise DemoError(f"{error}\n\nThe end of the operator's log:\n{_tail(log)}") from None


async def _ready(process: Process, port: int) -> None:
    url = f"http://127.0.0.1:{port}/readyz"
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while not await _answers(session, url):
                if process.returncode is not None:
                    raise DemoError(f"The operator ended before it was ready (exit status {process.returncode}).")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoError(f"The operator was not ready after {READY_SECONDS:g} s.") from None


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _guard(process: Process) -> None:
    raise DemoError(f"The operator ended (exit status {await process.wait()}).")


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:]) or "(it is empty)"
