"""`python -m tools.demo`: the whole story, on a cluster of its own or in a namespace of yours."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import ConnectionConfigError, from_kubeconfig
from tools.cluster.toolchain import find_kubectl
from tools.demo import prologue
from tools.demo.choice import Crd, Own, choose
from tools.demo.controlplane import KEPT, ControlPlane, embedded
from tools.demo.errors import DemoError
from tools.demo.guest import visiting
from tools.demo.place import Place
from tools.demo.screen import Screen, pause_from
from tools.demo.stage import play
from tools.demo.team import Team
from tools.pypi import InstallError

INTERRUPTED = 130

_USER = "shop-team"


def main() -> int:
    """Run as a program: 0 when the whole story was told, 1 when a step failed, 130 after Ctrl-C."""
    try:
        screen = Screen(pause_from(os.environ))
        keep = _keep(os.environ.get("DEMO", ""))
        kubectl = find_kubectl()
        own = choose(screen, kubectl) if os.environ.get("KUBECONFIG") and screen.interactive and not keep else None
        asyncio.run(_until_interrupted(screen, _demo(screen, kubectl, own, keep)))
    except (DemoError, InstallError, ConnectionConfigError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nInterrupted; nothing was left behind.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 whoever tries the demo is owed words, not a stack
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"\nerror: the demo has a bug, please report it: {error!r} at {where.filename}:{where.lineno}",
            file=sys.stderr,
        )
        return 1
    return 0


async def _demo(screen: Screen, kubectl: Path, own: Own | None, keep: bool) -> None:
    screen.say(
        "[bold]ServiceGraph[/]: one resource says who calls whom; least-privilege NetworkPolicies follow from it, and "
        "follow the labels. All of this happens while you see it: names, rules and times are read from a real API "
        "server. Ctrl-C ends it at any moment and leaves nothing behind."
    )
    async with AsyncExitStack() as stack:
        if own:
            await prologue.show(screen, None)
            place = await stack.enter_async_context(_guest(screen, own))
        else:
            control_plane = await stack.enter_async_context(
                embedded(KEPT if keep else f"demo-{os.getpid()}", keep=keep)
            )
            await prologue.show(screen, control_plane)
            place = await _host(screen, control_plane)
        team = await stack.enter_async_context(_team(place.kubeconfig))
        await play(screen, team, place, kubectl, own.crd if own else Crd.KEPT, keep)


async def _host(screen: Screen, control_plane: ControlPlane) -> Place:
    await screen.chapter("A control plane of its own")
    screen.say(
        "The real thing, on loopback, without root or containers: etcd, kube-apiserver and kube-controller-manager. "
        "There are no nodes and no network plugin: pods stay Pending and nobody filters packets. For the operator that "
        "makes no difference."
    )
    kubeconfig = await control_plane.kubeconfig(screen)
    return Place(kubeconfig, "shop", "servicegraph-system", kubeconfig.parent, confined=False)


@asynccontextmanager
async def _guest(screen: Screen, own: Own) -> AsyncIterator[Place]:
    await screen.chapter(f"A namespace of its own in {own.context}")
    async with _team(None) as team, visiting(screen, team, own) as place:
        yield place


@asynccontextmanager
async def _team(kubeconfig: Path | None) -> AsyncIterator[Team]:
    async with ApiClient(from_kubeconfig(kubeconfig), timeout=30.0) as client:
        yield Team(client, _USER)


async def _until_interrupted(screen: Screen, demo: Coroutine[Any, Any, None]) -> None:
    """Run it; the first Ctrl-C, or the end of the terminal, ends it in order, further ones are ignored meanwhile."""
    task = asyncio.ensure_future(demo)

    def interrupt() -> None:
        if not task.cancelling():
            screen.note("Ending everything …")
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    await task


def _keep(value: str) -> bool:
    if value not in ("", "interactive"):
        raise DemoError(f"DEMO={value} is unknown; DEMO=interactive leaves the cluster up afterwards.")
    return value == "interactive"


if __name__ == "__main__":
    sys.exit(main())
