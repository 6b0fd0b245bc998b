"""A process that writes its name into a ConfigMap as fast as it can while it leads: python3 -m, see main()."""

import asyncio
import sys
from pathlib import Path

from servicegraph.controller.leader import Leadership, LeadershipLostError
from servicegraph.controller.lease import Timing
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.connection import from_kubeconfig

LOST = 3
REQUEST_SECONDS = 1.0
TIMING = Timing(lease=3.0, renew=2.5, retry=0.2)
_WRITERS = 8


async def write(client: ApiClient, path: str, identity: str) -> None:
    while True:
        try:
            await client.merge(path, {"data": {"writer": identity}})
        except ApiError:
            await asyncio.sleep(0.01)


async def main(kubeconfig: Path, namespace: str, lease: str, identity: str) -> int:
    """Lead and write until the lease is lost; LOST is the exit status then."""
    connection = from_kubeconfig(kubeconfig)
    leadership = Leadership(connection, namespace, lease, TIMING, identity)
    path = f"/api/v1/namespaces/{namespace}/configmaps/{lease}"
    async with ApiClient(connection, timeout=REQUEST_SECONDS, fence=leadership.check) as client:
        election = asyncio.create_task(leadership.run())
        writers = [asyncio.create_task(write(client, path, identity)) for _ in range(_WRITERS)]
        try:
            await election
        except LeadershipLostError:
            return LOST
        finally:
            for writer in writers:
                writer.cancel()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:])))
