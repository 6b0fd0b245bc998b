"""kopf drives the ServiceGraph: its handlers put what happened on a queue, and do nothing else.

kopf ends every task of its event loop when it ends, so it has a loop, and a thread, of its own. It writes nothing:
no finalizers, no annotations, no Events, no peering.
"""

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import kopf

from servicegraph.model.resource import GROUP, PLURAL, VERSION
from servicegraph.sources.connection import Connection
from servicegraph.sources.listwatch import WATCH_SECONDS
from servicegraph.sources.transport import session

STOP_SECONDS = 3.0
_IDENTITY: Any = "servicegraph"
"""Given, because kopf would else ask for the name of the process's user, who need not have one in a container."""

Receive = Callable[[str | None, Mapping[str, Any]], None]
"""Takes the type of a watch event, None for one of the initial list, and the object."""


def registry(receive: Receive, login: Callable[[], Coroutine[Any, Any, kopf.AiohttpSession]]) -> kopf.OperatorRegistry:
    """kopf's handlers: who we are, and what happened to a ServiceGraph."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found)
    async def logged_in(**_: Any) -> kopf.AiohttpSession:
        return await login()

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=found)
    async def seen(event: Mapping[str, Any], **_: Any) -> None:
        receive(event["type"], event["object"])

    return found


def settings() -> kopf.OperatorSettings:
    """kopf's settings: quiet, and reading only."""
    found = kopf.OperatorSettings()
    found.posting.enabled = False
    found.peering.standalone = True
    found.scanning.disabled = True
    found.process.ultimate_exiting_timeout = None
    found.watching.server_timeout = random.randint(*WATCH_SECONDS)
    return found


class GraphWatch:
    """kopf, watching the ServiceGraphs of `namespaces`, or of all of them, until it fails or is stopped."""

    def __init__(self, connection: Connection, namespaces: tuple[str, ...], receive: Receive) -> None:
        self._connection = connection
        self._namespaces = namespaces
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()

    async def run(self) -> None:
        """Watch until cancelled. Returns when kopf ended by itself: start another one."""
        ended = self._loop.create_future()
        thread = threading.Thread(target=self._thread, args=(ended,), name="kopf", daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            self._stop.set()
            await asyncio.wait({ended}, timeout=STOP_SECONDS)

    def _thread(self, ended: asyncio.Future[None]) -> None:
        try:
            asyncio.run(self._operator())
        finally:
            self._loop.call_soon_threadsafe(ended.set_result, None)

    async def _operator(self) -> None:
        try:
            await kopf.operator(
                registry=registry(self._hand_over, self._login),
                settings=settings(),
                identity=_IDENTITY,
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        except Exception as error:  # noqa: BLE001 whatever ends kopf, the next one may live
            logging.getLogger(__name__).warning("the watch of ServiceGraphs ended: %s", error)
        finally:
            self._stop.set()

    def _hand_over(self, kind: str | None, raw: Mapping[str, Any]) -> None:
        self._loop.call_soon_threadsafe(self._receive, kind, raw)

    async def _login(self) -> kopf.AiohttpSession:
        header = asyncio.run_coroutine_threadsafe(self._connection.credentials.header(), self._loop)
        authorization = await asyncio.wrap_future(header)
        found = session(self._connection, 0)
        if authorization:
            found.headers["Authorization"] = authorization
        return kopf.AiohttpSession(
            server=self._connection.server, default_namespace=self._connection.namespace, aiohttp_session=found
        )
