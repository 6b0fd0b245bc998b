"""ServiceGraphs reach us through kopf; this starts it, starts it again, and lists what it missed."""

import asyncio
import logging

from servicegraph.controller.graphs import GraphStore
from servicegraph.controller.handlers import GraphWatch, Receive
from servicegraph.controller.rollcall import RollCall
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.backoff import Backoff
from servicegraph.sources.connection import Connection

_log = logging.getLogger(__name__)


class GraphSource:
    """Tells `receive` of every graph of `namespaces`, or of all; `graphs` is what is known so far."""

    def __init__(
        self,
        client: ApiClient,
        connection: Connection,
        namespaces: tuple[str, ...],
        graphs: GraphStore,
        receive: Receive,
    ) -> None:
        self._connection = connection
        self._namespaces = namespaces
        self._receive = receive
        self._roll = RollCall(client, namespaces, graphs, receive)
        self._restart = asyncio.Event()
        self.listed = False

    async def list(self) -> None:
        """Tell every graph there is, however long the API server takes to say."""
        backoff = Backoff()
        while not self.listed:
            try:
                await self._roll.all()
                self.listed = True
            except ApiError as error:
                _log.warning("ServiceGraphs cannot be listed: %s. Is the CustomResourceDefinition installed?", error)
                await asyncio.sleep(backoff.failed(error.retry_after))

    async def watch(self) -> None:
        """Run kopf, again and again if it ends, until cancelled."""
        backoff = Backoff()
        while True:
            self._restart.clear()
            watch = asyncio.create_task(GraphWatch(self._connection, self._namespaces, self._receive).run())
            restart = asyncio.create_task(self._restart.wait())
            try:
                await asyncio.wait((watch, restart), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (watch, restart):
                    task.cancel()
                await asyncio.wait((watch, restart))
            await asyncio.sleep(backoff.failed())

    async def call_the_roll(self) -> None:
        """Find what kopf missed, until cancelled."""
        await self._roll.run(self._restart.set)
