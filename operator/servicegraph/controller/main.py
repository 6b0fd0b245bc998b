"""The operator's process: from settings to an exit code."""

import asyncio
import logging
import signal

from servicegraph.controller.health import serving
from servicegraph.controller.leader import Leadership, LeadershipLostError, new_identity
from servicegraph.controller.lease import Timing
from servicegraph.controller.metrics import Metrics, result_of
from servicegraph.controller.operator import Operator
from servicegraph.controller.settings import Settings
from servicegraph.model.profile import ClusterProfile
from servicegraph.sources.api import ApiClient
from servicegraph.sources.connection import Connection

STOPPED, LOST = 0, 1
"""Exit codes: asked to stop; not the leader any more, or failed."""

_log = logging.getLogger(__name__)


class _StopRequested(Exception):  # noqa: N818 it is no error
    """The process was asked to stop."""


async def run(settings: Settings, connection: Connection, profile: ClusterProfile) -> int:
    """Run until SIGTERM or SIGINT, or until the lease is lost; the exit code. Raises OSError where it cannot listen."""
    identity = new_identity()
    metrics = Metrics()
    leadership = _leadership(settings, connection, identity)
    fence = leadership.check if leadership else None
    client = ApiClient(
        connection,
        in_flight=settings.in_flight,
        timeout=settings.request_seconds,
        fence=fence,
        on_error=lambda error: metrics.api_errors.labels(result_of(error)).inc(),
    )
    async with client:
        operator = Operator(settings, connection, client, profile, metrics, identity)
        host, port = settings.address
        async with serving(host, port, metrics, alive=lambda: None, ready=operator.trouble) as listening:
            _log.info("serving /metrics, /healthz and /readyz on port %d", listening)
            return await _until_stopped(operator, leadership, metrics)


async def _until_stopped(operator: Operator, leadership: Leadership | None, metrics: Metrics) -> int:
    code = STOPPED
    election = asyncio.create_task(leadership.run()) if leadership else None
    try:
        async with asyncio.TaskGroup() as tasks:
            _stop_on_signals(tasks)
            if election is not None:
                tasks.create_task(_join(election))
            await operator.follow(tasks)
            if leadership is not None:
                await leadership.leading.wait()
            metrics.leader.set(1)
            await operator.lead(tasks)
    except* _StopRequested:
        _log.info("stopping")
    except* LeadershipLostError as lost:
        _log.error("stopping at once: %s", lost.exceptions[0])
        code = LOST
    finally:
        metrics.leader.set(0)
        if election is not None:
            election.cancel()
            await asyncio.wait((election,))
    return code


async def _join(election: asyncio.Task[None]) -> None:
    """End as the election ends, but leave it running when cancelled: the lease is given back after all writes."""
    await asyncio.shield(election)


def _stop_on_signals(tasks: asyncio.TaskGroup) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)

    async def stop() -> None:
        await asked.wait()
        raise _StopRequested

    tasks.create_task(stop())


def _leadership(settings: Settings, connection: Connection, identity: str) -> Leadership | None:
    if not settings.leader_election:
        return None
    timing = Timing(settings.lease_seconds, settings.renew_seconds, settings.retry_seconds)
    return Leadership(
        connection, settings.lease_namespace or connection.namespace, settings.lease_name, timing, identity
    )
