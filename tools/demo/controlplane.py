"""The embedded cluster, built and started in the background while there are other things to look at."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from tools.cluster.state import find
from tools.demo.errors import DemoError
from tools.demo.programs import CLUSTER, child, output
from tools.demo.screen import Screen

KEPT = "demo"
"""The name of the cluster that DEMO=interactive leaves up."""

_PREFIX = "export KUBECONFIG="
_LAST_LINES = 30


class ControlPlane:
    """A control plane that is being built or started, or is ready."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._started = monotonic()
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._listening = asyncio.create_task(self._listen())
        self._starting = asyncio.create_task(self._kubeconfig())

    @property
    def is_building(self) -> bool:
        """Whether it has to be built first: then the launcher has something to say."""
        return bool(self._said) and not self._starting.done()

    async def kubeconfig(self, screen: Screen) -> Path:
        """Wait until it is ready, and tell how far it is. The administrator's kubeconfig. Raises DemoError."""
        if self.is_building:
            screen.say(
                "This machine has none yet: they are being compiled now, once, about 8 minutes on two cores. The next "
                "run starts within seconds."
            )
            with screen.progress() as say:
                while not (await asyncio.wait((self._starting,), timeout=0.5))[0]:
                    minutes, seconds = divmod(int(monotonic() - self._started), 60)
                    say(f"{minutes}:{seconds:02}", self._said[-1])
        with screen.waiting("starting the control plane …", "the control plane is ready"):
            found = await self._starting
        if found is None:
            await self._listening
            raise DemoError("The control plane did not start.\n" + "\n".join(self._said))
        return found

    async def _kubeconfig(self) -> Path | None:
        assert self._process.stdout
        async for line in self._process.stdout:
            if line.startswith(_PREFIX.encode()):
                return Path(line.decode().removeprefix(_PREFIX).strip())
        return None

    async def _listen(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            self._said.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def embedded(name: str, *, keep: bool) -> AsyncIterator[ControlPlane]:
    """A control plane for the time of the block; with `keep` it stays when the block ends well. Raises DemoError."""
    if keep and (other := find(name)):
        raise DemoError(
            f"The demo's cluster is up already: export KUBECONFIG={other.kubeconfig}\n"
            f"End it first: python3 -m tools.cluster down --name {name}"
        )
    try:
        async with child(*CLUSTER, "up" if keep else "hold", "--name", name, stdout=PIPE, stderr=PIPE) as process:
            yield ControlPlane(process)
    except BaseException:
        if keep:
            await output(*CLUSTER, "down", "--name", name, what="ending the cluster")
        raise
