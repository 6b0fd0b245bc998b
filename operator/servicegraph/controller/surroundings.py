"""The ClusterProfile as it is in force: what is written, and what the cluster tells of itself, kept current."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import structs

from servicegraph.controller.profile import Observed, detect, observe
from servicegraph.model.profile import ClusterProfile
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.backoff import Backoff

_log = logging.getLogger(__name__)


class Surroundings:
    """Calls `on_change` with the profile when it is known, and whenever it differs.

    Where Cilium's API is served, `follow_cilium` is called first. It returns when what is live of it is known, whether
    any of it is ours: then Cilium goes on counting as the engine when this process starts while no agent is ready.
    """

    def __init__(
        self,
        client: ApiClient,
        written: ClusterProfile,
        follow_cilium: Callable[[], Awaitable[bool]],
        on_change: Callable[[ClusterProfile], None],
    ) -> None:
        self._client = client
        self._written = written
        self._follow_cilium = follow_cilium
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
            if observed.cilium_api and await self._follow_cilium():
                observed = structs.replace(observed, cilium=True)
            found = detect(self._written, observed)
        except (ApiError, ValueError) as error:
            _log.warning("the cluster's own addresses cannot be read, so they stay what they were: %s", error)
            return False
        self._observed = observed
        if found != self.profile:
            if self.profile is not None:
                what = "engine is" if found.engine != self.profile.engine else "own addresses are"
                _log.info("the cluster's %s another: everything is compiled anew", what)
            self.profile = found
            self._on_change(found)
        return True
