"""DEMO=interactive: the cluster stays, with an operator that ends when the cluster does."""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.cluster.ports import free_port
from tools.demo.controlplane import KEPT
from tools.demo.operatorprocess import LOG, command, environment
from tools.demo.place import Place
from tools.demo.programs import CHECKOUT
from tools.demo.scene import Scene
from tools.demo.screen import Screen
from tools.demo.team import Team


async def hand_over(screen: Screen, team: Team, place: Place, kubectl: Path, kubeconfig: Path, scene: Scene) -> None:
    """Leave an operator behind and the shop as at the beginning; say how to use them and how to end them."""
    _leave(place, command(place, kubeconfig, free_port()))
    await team.apply_all([*scene.app, scene.graph])
    on_path = shutil.which("kubectl")
    screen.say("[bold]The cluster stays up[/], with the operator, and the shop and its graph are there again:")
    screen.verbatim(
        f"export KUBECONFIG={place.kubeconfig}",
        *([] if on_path == str(kubectl) else [f"alias kubectl={kubectl}"]),
        f"kubectl get servicegraphs,networkpolicies -n {place.namespace}",
        f"kubectl edit servicegraph {scene.graph_name} -n {place.namespace}",
        f"tail -f {place.folder / LOG}",
    )
    screen.say("To end all of it:")
    screen.verbatim(f"python3 -m tools.cluster down --name {KEPT}")


def _leave(place: Place, operator: tuple[str, ...]) -> None:
    with (place.folder / LOG).open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "tools.demo.keeper", KEPT, *operator],
            cwd=CHECKOUT,
            env=environment(place),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
