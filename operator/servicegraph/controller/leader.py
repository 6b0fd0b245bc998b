"""Leader election by a Lease, with fencing: a write that might outlive the lease is never sent."""

import asyncio
import logging
import os
import random
import socket
import time
import uuid
from datetime import UTC, datetime

import msgspec

from servicegraph.controller.lease import (
    Candidate,
    Lease,
    LeaseMetadata,
    LeaseSpec,
    Term,
    Timing,
    manifest,
    released,
    taken,
)
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.connection import Connection

_NOT_FOUND, _CONFLICT = 404, 409

_log = logging.getLogger(__name__)
_lease = msgspec.json.Decoder(Lease)


class NotLeadingError(ConnectionAbortedError):
    """A write was not sent: the lease is not held, or could end before the write does.

    To whoever sends it, that is a connection that broke.
    """


class LeadershipLostError(Exception):
    """The lease is another's, or could not be renewed in time. Whoever held it must stop: its process ends."""


def clock() -> float:
    """Seconds that never go back and that go on while the process is stopped, and while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def new_identity() -> str:
    """A name for this process that no other has, not even one before it in the same pod."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"


class Leadership:
    """One process's part in the election for the Lease `namespace`/`name`.

    `check` is the fence of an ApiClient. The election has a client of its own: a renewal never waits behind writes.
    """

    def __init__(
        self, connection: Connection, namespace: str, name: str, timing: Timing, identity: str | None = None
    ) -> None:
        self.identity = identity or new_identity()
        self.leading = asyncio.Event()
        self._connection = connection
        self._metadata = LeaseMetadata(namespace=namespace, name=name)
        self._timing = timing
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{name}"
        self._term = Term(timing)

    def check(self, seconds: float) -> None:
        """Raise NotLeadingError where a write that may take `seconds` could end after the lease did."""
        if not self._term.outlives(clock(), seconds):
            raise NotLeadingError(f"{self.identity} holds no lease for the next {seconds:g} s")

    async def run(self) -> None:
        """Become the leader and stay it until cancelled; then the lease is released, so end all writes before.

        Raises LeadershipLostError.
        """
        timeout = min(self._timing.renew / 2, 5.0)
        async with ApiClient(self._connection, in_flight=1, timeout=timeout) as client:
            try:
                held = await self._acquire(client)
                _log.info("leading as %s", self.identity)
                self.leading.set()
                await self._keep(client, held)
            except asyncio.CancelledError:
                self._end()
                await self._release(client)
                raise
            finally:
                self._end()

    def _end(self) -> None:
        self._term.end()
        self.leading.clear()

    async def _acquire(self, client: ApiClient) -> Lease:
        candidate = Candidate()
        while True:
            try:
                lease = await self._read(client)
                if lease is None or candidate.may_take(lease.spec, clock()):
                    return await self._take(client, lease)
            except ApiError as error:
                if error.status != _CONFLICT:
                    _log.warning("cannot become the leader: %s", error)
            await asyncio.sleep(random.uniform(0.8, 1.2) * self._timing.retry)

    async def _keep(self, client: ApiClient, held: Lease) -> None:
        while True:
            await asyncio.sleep(self._timing.retry)
            if self._term.is_overdue(clock()):
                raise LeadershipLostError(f"the lease was not renewed for {self._timing.renew:g} s")
            try:
                held = await self._renew(client, held)
            except ApiError as error:
                _log.warning("cannot renew the lease: %s", error)

    async def _renew(self, client: ApiClient, held: Lease) -> Lease:
        try:
            return await self._take(client, held)
        except ApiError as error:
            if error.status not in (_CONFLICT, _NOT_FOUND):
                raise
        found = await self._read(client)
        if found is None or found.spec.holder_identity != self.identity:
            holder = found.spec.holder_identity if found else ""
            raise LeadershipLostError(f"the lease is held by {holder or 'nobody'} now")
        return await self._take(client, found)

    async def _take(self, client: ApiClient, lease: Lease | None) -> Lease:
        asked_at = clock()
        spec = taken(lease.spec if lease else LeaseSpec(), self.identity, self._timing, datetime.now(UTC))
        body = manifest(lease.metadata if lease else self._metadata, spec)
        method, path = ("PUT", self._path) if lease else ("POST", self._collection)
        answer = await client.request(method, path, body=body)
        self._term.renewed(asked_at)
        return _lease.decode(answer)

    async def _read(self, client: ApiClient) -> Lease | None:
        try:
            return _lease.decode(await client.request("GET", self._path))
        except ApiError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    async def _release(self, client: ApiClient) -> None:
        """Give the lease back. A renewal that was under way at the end may arrive in between: then once more."""
        try:
            while (lease := await self._read(client)) and lease.spec.holder_identity == self.identity:
                if await self._gives_back(client, lease):
                    return
        except ApiError as error:
            _log.warning("the lease is left to run out: %s", error)

    async def _gives_back(self, client: ApiClient, lease: Lease) -> bool:
        try:
            await client.request("PUT", self._path, body=manifest(lease.metadata, released(lease.spec)))
        except ApiError as error:
            if error.status == _CONFLICT:
                return False
            raise
        return True
