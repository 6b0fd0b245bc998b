"""Where the story plays: an embedded cluster, or a namespace of the user's own."""

from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.state import find
from tools.demo.errors import DemoError
from tools.demo.programs import CLUSTER, child, output

KEPT = "demo"
"""The name of the cluster that DEMO=interactive leaves up."""

_PREFIX = "export KUBECONFIG="


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster and how to be its administrator. `kubeconfig` None is what the user's environment names.

    The shop is in `namespace`, the operator's ServiceAccount in `home`; `confined` means that the operator may serve
    that namespace only. `folder` is for files of the same lifetime.
    """

    kubeconfig: Path | None
    namespace: str
    home: str
    folder: Path
    confined: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """What tells kubectl which cluster is meant."""
        return ("--kubeconfig", str(self.kubeconfig)) if self.kubeconfig else ()


@asynccontextmanager
async def embedded(name: str, *, keep: bool) -> AsyncIterator[Path]:
    """A control plane for the time of the block; with `keep` it stays when the block ends well. Its kubeconfig.

    Raises DemoError.
    """
    if keep and (other := find(name)):
        raise DemoError(
            f"The demo's cluster is up already: export KUBECONFIG={other.kubeconfig}\n"
            f"End it first: python3 -m tools.cluster down --name {name}"
        )
    try:
        async with child(*CLUSTER, "up" if keep else "hold", "--name", name, stdout=PIPE, stderr=PIPE) as process:
            yield await _kubeconfig(process)
    except BaseException:
        if keep:
            await output(*CLUSTER, "down", "--name", name, what="ending the cluster")
        raise


async def _kubeconfig(process: Process) -> Path:
    assert process.stdout and process.stderr
    async for line in process.stdout:
        if line.startswith(_PREFIX.encode()):
            return Path(line.decode().removeprefix(_PREFIX).strip())
    complaint = await process.stderr.read()
    raise DemoError(f"The control plane did not start.\n{complaint.decode(errors='replace').strip()}")
