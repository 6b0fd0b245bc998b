"""The build of the embedded control plane, in the background while there are other things to look at."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from tools.demo.errors import DemoError
from tools.demo.programs import CLUSTER, child
from tools.demo.screen import Screen

_LAST_LINES = 30


class Building:
    """A build that is under way, or was not needed."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._started = monotonic()
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._reading = asyncio.create_task(self._read())

    @property
    def lasts(self) -> bool:
        """Whether it is still going on."""
        return not self._reading.done()

    async def finish(self, screen: Screen) -> None:
        """Wait for the end, and say how far it is. Raises DemoError."""
        if self.lasts:
            screen.say(
                "This machine has no embedded control plane yet: etcd, kube-apiserver and kube-controller-manager are "
                "being compiled, once, about 8 minutes on two cores. The next run starts within seconds."
            )
            with screen.progress() as say:
                while not (await asyncio.wait((self._reading,), timeout=0.5))[0]:
                    minutes, seconds = divmod(int(monotonic() - self._started), 60)
                    say(f"{minutes}:{seconds:02} ", self._said[-1] if self._said else "")
        if await self._process.wait() != 0:
            raise DemoError("The control plane could not be built.\n" + "\n".join(self._said))

    async def _read(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self._said.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def building() -> AsyncIterator[Building]:
    """Build what the cache lacks, for the time of the block."""
    async with child(*CLUSTER, "build", stdout=DEVNULL, stderr=PIPE) as process:
        yield Building(process)
