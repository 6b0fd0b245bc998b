"""/metrics, /healthz and /readyz over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from servicegraph.controller.metrics import Metrics

Check = Callable[[], str | None]
"""None when all is well, else what is not."""


@asynccontextmanager
async def serving(host: str, port: int, metrics: Metrics, *, alive: Check, ready: Check) -> AsyncIterator[int]:
    """Answer for the time of the block; gives the port, which matters where 0 was asked for. Raises OSError."""

    async def expose(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/metrics", expose)
    application.router.add_get("/healthz", _answer(alive))
    application.router.add_get("/readyz", _answer(ready))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _answer(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        trouble = check()
        return web.Response(status=503 if trouble else 200, text=f"{trouble or 'ok'}\n")

    return answer
