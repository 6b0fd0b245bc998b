"""The ClusterProfile as it is in force: what is written, and what the cluster tells of itself, kept current."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from servicegraph.controller.profile import Observed, detect, observe
from servicegraph.model.profile import ClusterProfile
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.backoff import Backoff

_log = logging.getLogger(__name__)


class Surroundings:
    """Calls `on_change` with the profile when it is known, and whenever it differs."""

    def __init__(self, client: ApiClient, written: ClusterProfile, on_change: Callable[[ClusterProfile], None]) -> None:
        self._client = client
        self._written = written
        self._on_change = on_change
        self._observed = Observed()
        self.profile: ClusterProfile | None = None

    async def find(self) -> None:
        """Look until the API server can say."""
        backoff = Backoff()
        while True:
            if await self._look():
                return
            await asyncio.sleep(backoff.failed())

    async def run(self, due: Callable[[], Awaitable[None]]) -> None:
        """Look again each time that `due` returns, until cancelled."""
        while True:
            await due()
            await self._look()

    async def _look(self) -> bool:
        try:
            observed = await observe(self._client, self._observed)
            found = detect(self._written, observed)
        except (ApiError, ValueError) as error:
            _log.warning("the cluster's own addresses cannot be read, so they stay what they were: %s", error)
            return False
        self._observed = observed
        if found != self.profile:
            if self.profile is not None:
                _log.info("the cluster's own addresses changed: everything is compiled anew")
            self.profile = found
            self._on_change(found)
        return True
