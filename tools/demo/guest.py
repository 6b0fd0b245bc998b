"""The demo as a guest in the user's cluster: one namespace, and nothing left in the end."""

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
            yield Place(None, name, name, Path(folder), confined=True)
        finally:
            with screen.waiting(f"deleting the namespace {name} …", f"the namespace {name} is gone"):
                await team.delete(namespace)
                await team.until_gone(namespace, END_SECONDS)
            if own.crd is Crd.REMOVED:
                await _remove_crd(screen, team)


async def _remove_crd(screen: Screen, team: Team) -> None:
    """Remove the API, unless somebody has used it meanwhile: with it all graphs and policies would go."""
    if (await team.client.get(collection(GRAPHS, "ServiceGraph")))["items"]:
        screen.say("The ServiceGraph API stays: there are other graphs in the cluster by now.")
        return
    path = f"{collection('apiextensions.k8s.io/v1', 'CustomResourceDefinition')}/{CRD}"
    await team.delete(path)
    await team.until_gone(path, END_SECONDS)
    screen.note("The ServiceGraph API is removed.")
