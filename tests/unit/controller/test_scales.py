"""Workloads that are asked about: a graph that changes while an answer is on its way is asked about too."""

import asyncio
from typing import Any

from servicegraph.controller.graphs import GraphStore
from servicegraph.controller.inbox import Inbox
from servicegraph.controller.scales import Scales
from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import Connection, Credentials
from tests.waiting import becomes


class Slow(ApiClient):
    """Answers when it is told to, that there is no such kind."""

    def __init__(self) -> None:
        super().__init__(Connection("http://127.0.0.1:1", Credentials(lambda: None)))
        self.asked = 0
        self.answer = asyncio.Event()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        self.asked += 1
        await self.answer.wait()
        return {"resources": []}


def graph_of(name: str) -> dict[str, Any]:
    workload = {"apiVersion": "v1", "kind": "ReplicationController", "name": name}
    return {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"namespace": "shop", "name": name, "uid": name, "generation": 1, "resourceVersion": "1"},
        "spec": {"services": [{"name": name, "selects": [{"workload": workload}]}]},
    }


def test_a_graph_that_comes_while_it_asks_is_not_forgotten() -> None:
    async def scenario() -> None:
        async with Slow() as client:
            graphs = GraphStore()
            graphs.put(graph_of("one"))
            scales = Scales(client, graphs, Inbox())
            scales.ask()
            running = asyncio.create_task(scales.run())
            await becomes(lambda: client.asked == 1)
            graphs.put(graph_of("two"))
            scales.ask()
            client.answer.set()
            await becomes(lambda: client.asked == 3, "both graphs are asked about", 5)
            running.cancel()

    asyncio.run(scenario())
