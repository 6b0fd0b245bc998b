"""What the engine makes known when everything is compiled anew."""

import asyncio
from typing import Any

from servicegraph.compiler.incremental import Compiler
from servicegraph.controller.drains import Drains
from servicegraph.controller.engine import Engine, Queue
from servicegraph.controller.inbox import Inbox
from servicegraph.controller.metrics import Metrics
from servicegraph.controller.queue import WorkQueue
from servicegraph.controller.state import State
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import Connection, Credentials
from tests.waiting import becomes

SHOP = GraphKey("shop", "shop")
NOWHERE = Connection("http://127.0.0.1:1", Credentials(lambda: None))


def raw(version: int, name: str = "shop", **service: Any) -> dict[str, Any]:
    return {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"namespace": "shop", "name": name, "uid": name, "generation": 1, "resourceVersion": str(version)},
        "spec": {"services": [{"name": "search", **service}]},
    }


def compiling(scenario: Any) -> None:
    """Run a scenario with an inbox, a state and the engine between them, which has not begun to write."""

    async def run() -> None:
        async with ApiClient(NOWHERE) as client:
            inbox, state, queue = Inbox(0.0), State(), WorkQueue[str, Any]()
            drains = Drains(client, state)
            engine = Engine(Compiler(ClusterProfile()), inbox, state, drains, queue, Metrics())
            running = asyncio.create_task(engine.run())
            await scenario(engine, inbox, state, queue)
            running.cancel()

    asyncio.run(run())


def test_an_invalid_graph_is_recorded_when_everything_is_compiled_for_the_first_time() -> None:
    """Otherwise nobody knows that its policies are to stay."""

    async def scenario(engine: Engine, inbox: Inbox, state: State, queue: Queue) -> None:
        state.graphs.put(raw(1, calls=[{"cidr": "10.20.1.0/16", "ports": [443]}]))
        inbox.put("graphs", SHOP, None)
        engine.recompile(ClusterProfile())
        await becomes(lambda: len(queue), seconds=5)
        assert state.view("shop").graphs[SHOP].frozen

    compiling(scenario)


def test_a_graph_that_goes_while_everything_is_compiled_anew_is_forgotten() -> None:
    async def scenario(engine: Engine, inbox: Inbox, state: State, queue: Queue) -> None:
        _, live = state.graphs.put(raw(1))
        assert live is not None
        inbox.put("graphs", SHOP, live.graph)
        await becomes(lambda: SHOP in state.view("shop").graphs)
        state.graphs.drop(SHOP)
        inbox.put("graphs", SHOP, None)
        engine.recompile(ClusterProfile())
        await becomes(lambda: SHOP not in state.view("shop").graphs, seconds=5)

    compiling(scenario)
