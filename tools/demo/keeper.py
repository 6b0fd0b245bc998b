"""DEMO=interactive: the cluster stays, with an operator that ends when the cluster does.

As a program: `python -m tools.demo.keeper CLUSTER COMMAND…` runs the command until that cluster is ended.
"""

import subprocess
import sys
import time
from pathlib import Path

from tools.cluster.ports import free_port
from tools.cluster.process import die_with_parent
from tools.cluster.state import find
from tools.demo.operatorprocess import LOG, command
from tools.demo.place import KEPT, Place
from tools.demo.programs import CHECKOUT
from tools.demo.scene import Scene
from tools.demo.screen import Screen
from tools.demo.team import Team

_POLL_SECONDS = 0.5


async def hand_over(screen: Screen, team: Team, place: Place, kubectl: Path, kubeconfig: Path, scene: Scene) -> None:
    """Leave an operator behind and the shop as at the beginning; say how to use them and how to end them."""
    _start(place, command(place, kubeconfig, free_port()))
    await team.apply_all([*scene.app, scene.graph])
    screen.say("[bold]The cluster stays up[/], with the operator, and the shop and its graph are there again:")
    screen.show(
        (
            f"export KUBECONFIG={place.kubeconfig}",
            f"{kubectl} get servicegraphs,networkpolicies -n {place.namespace}",
            f"{kubectl} edit servicegraph {scene.graph_name} -n {place.namespace}",
            f"tail -f {place.folder / LOG}",
        )
    )
    screen.say("To end all of it:")
    screen.show((f"python3 -m tools.cluster down --name {KEPT}",))


def _start(place: Place, operator: tuple[str, ...]) -> None:
    with (place.folder / LOG).open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tools.demo.keeper", KEPT, *operator],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def main() -> int:
    """Run the command until the cluster is gone."""
    _, cluster, *operator = sys.argv
    process = subprocess.Popen(operator, preexec_fn=die_with_parent)
    while process.poll() is None and find(cluster):
        time.sleep(_POLL_SECONDS)
    process.terminate()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
