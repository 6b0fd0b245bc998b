"""Other programs, run as children: none outlives the demo, none is ended by the terminal's own Ctrl-C."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tools.cluster.process import die_with_parent
from tools.demo.errors import DemoError

CHECKOUT = Path(__file__).parents[2]
STOP_SECONDS = 20.0

CLUSTER = (sys.executable, "-m", "tools.cluster")
SERVICEGRAPH = (sys.executable, "-m", "servicegraph.cli.main")


@asynccontextmanager
async def child(*command: str, **streams: Any) -> AsyncIterator[Process]:
    """A program for the time of the block; what still runs at its end is asked to end, then made to."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, stdin=DEVNULL, start_new_session=True, preexec_fn=_prepare, **streams
    )
    try:
        yield process
    finally:
        await stop(process)


async def stop(process: Process) -> None:
    """End a child as Ctrl-C would, so that it cleans up, and wait until it is gone."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def output(*command: str, what: str) -> str:
    """What a program prints. Raises DemoError with its complaint where it fails."""
    async with child(*command, stdout=PIPE, stderr=PIPE) as process:
        printed, complaint = await process.communicate()
    if process.returncode != 0:
        raise DemoError(
            f"{what} failed (exit status {process.returncode}):\n{complaint.decode(errors='replace').strip()}"
        )
    return printed.decode()


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    die_with_parent()
