"""The endpoints, over a real socket."""

import asyncio

import aiohttp

from servicegraph.controller.health import serving
from servicegraph.controller.metrics import Metrics


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


def test_health_and_readiness_say_what_is_wrong_as_it_changes() -> None:
    troubles: dict[str, str | None] = {"alive": None, "ready": "services: not listed yet"}

    async def scenario() -> None:
        async with serving(
            "127.0.0.1", 0, Metrics(), alive=lambda: troubles["alive"], ready=lambda: troubles["ready"]
        ) as port:
            assert await get(port, "/healthz") == (200, "ok\n")
            assert await get(port, "/readyz") == (503, "services: not listed yet\n")
            troubles.update(alive="services: stale for 900 s", ready=None)
            assert await get(port, "/healthz") == (503, "services: stale for 900 s\n")
            assert await get(port, "/readyz") == (200, "ok\n")

    asyncio.run(scenario())


def test_metrics_are_served() -> None:
    async def scenario() -> None:
        metrics = Metrics()
        metrics.policies.set(12)
        async with serving("127.0.0.1", 0, metrics, alive=lambda: None, ready=lambda: None) as port:
            status, text = await get(port, "/metrics")
            assert status == 200
            assert "servicegraph_policies 12.0" in text

    asyncio.run(scenario())
