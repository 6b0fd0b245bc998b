"""The story from the first policy to the last, and what was measured on the way."""

import asyncio

from servicegraph.sources.api import ApiError
from tools.demo.blocks import milliseconds
from tools.demo.chapters import STORY
from tools.demo.errors import DemoError
from tools.demo.manifests import APP_FILE, GRAPH_FILE, collection, moved, read
from tools.demo.place import Place
from tools.demo.scene import GRAPHS, POLICIES, Scene
from tools.demo.screen import Screen
from tools.demo.team import Team
from tools.demo.watch import Watch

_PATIENCE, _PATIENCE_WITH_NODES = 30.0, 180.0


async def tell(screen: Screen, team: Team, place: Place, guard: asyncio.Task[None]) -> Scene:
    """Play every chapter; `guard` fails when the operator ends. Raises DemoError."""
    policies, graphs, pods = watches = [
        Watch(team.client, collection(api_version, kind, place.namespace))
        for api_version, kind in ((POLICIES, "NetworkPolicy"), (GRAPHS, "ServiceGraph"), ("v1", "Pod"))
    ]
    scene = Scene(
        screen,
        team,
        place.namespace,
        moved(read(GRAPH_FILE), place.namespace)[0],
        moved(read(APP_FILE), place.namespace),
        policies,
        graphs,
        pods,
        _PATIENCE_WITH_NODES if place.confined else _PATIENCE,
    )
    story = asyncio.create_task(_play(scene))
    watching = [asyncio.create_task(watch.run()) for watch in watches]
    try:
        await asyncio.wait((story, guard, *watching), return_when=asyncio.FIRST_COMPLETED)
        for task in (story, guard, *watching):
            if task.done():
                await task
    except ApiError as error:
        raise DemoError(f"the API server: {error}") from None
    finally:
        for task in (story, *watching):
            task.cancel()
        await asyncio.wait((story, *watching))
    return scene


async def _play(scene: Scene) -> None:
    for watch in (scene.policies, scene.graphs, scene.pods):
        await watch.began.wait()
    for chapter in STORY:
        await chapter(scene)


def summary(scene: Scene) -> None:
    """What was measured, as a table."""
    scene.screen.say(
        "Policies written and left alone, and how long it took: from sending the change to the API server until its "
        "watch showed the last of them."
    )
    width = max(len(row.title) for row in scene.rows)
    scene.screen.show(
        f"{row.title:{width}}  {row.written} written  {row.unchanged} left alone  {milliseconds(row.last_ms):>7}"
        for row in scene.rows
    )
