"""The demo as a guest in the user's cluster: one namespace, and nothing left in the end."""

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from tools.demo.choice import CRD, Crd, Own
from tools.demo.manifests import collection
from tools.demo.place import Place
from tools.demo.scene import GRAPHS
from tools.demo.screen import Screen
from tools.demo.team import Team

END_SECONDS = 180.0


@asynccontextmanager
async def visiting(screen: Screen, team: Team, own: Own) -> AsyncIterator[Place]:
    """A namespace with a random name for the time of the block. Raises DemoError."""
    name = f"servicegraph-demo-{secrets.token_hex(3)}"
    namespace = f"{collection('v1', 'Namespace')}/{name}"
    with tempfile.TemporaryDirectory(prefix="servicegraph-demo-") as folder:
        try:
            await team.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            screen.say(f"The shop is going to be in the new namespace [bold]{name}[/].")
            profile = await _profile(team, Path(folder))
            yield Place(None, name, name, Path(folder), confined=True, profile=profile)
        finally:
            with screen.waiting(f"deleting the namespace {name} …", f"the namespace {name} is gone"):
                await team.delete(namespace)
                await team.until_gone(namespace, END_SECONDS)
            if own.crd is Crd.REMOVED:
                await _remove_crd(screen, team)


async def _profile(team: Team, folder: Path) -> Path | None:
    """A ClusterProfile that says where the cluster's DNS is: an operator confined to one namespace cannot look."""
    namespace, name = "kube-system", "kube-dns"
    path = f"{collection('v1', 'Service', namespace)}/{name}"
    if not await team.exists(path):
        return None
    spec = (await team.client.get(path))["spec"]
    ports = [
        f"{port['targetPort']}/{port['protocol']}" for port in spec["ports"] if isinstance(port["targetPort"], int)
    ]
    service = {"namespace": namespace, "name": name, "labels": spec["selector"], "ports": ports}
    file = folder / "profile.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": GRAPHS, "kind": "ClusterProfile", "dns": {"service": service}}))
    return file


async def _remove_crd(screen: Screen, team: Team) -> None:
    """Remove the API, unless somebody has used it meanwhile: with it all graphs and policies would go."""
    if (await team.client.get(collection(GRAPHS, "ServiceGraph")))["items"]:
        screen.say("The ServiceGraph API stays: there are other graphs in the cluster by now.")
        return
    path = f"{collection('apiextensions.k8s.io/v1', 'CustomResourceDefinition')}/{CRD}"
    await team.delete(path)
    await team.until_gone(path, END_SECONDS)
    screen.note("The ServiceGraph API is removed.")
