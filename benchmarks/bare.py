"""The least that writing takes: an aiohttp client that does nothing but send, and how long a run of requests took."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from servicegraph.sources.connection import from_kubeconfig
from tests.integration.kube import APPLY, path_of

IN_FLIGHT = 12


class Request(msgspec.Struct, frozen=True):
    """One write. `body` None: delete."""

    path: str
    body: bytes | None


def apply_of(raw: dict[str, Any]) -> Request:
    """The server-side apply of an object that names its namespace."""
    metadata = raw["metadata"]
    return Request(path_of(raw["kind"], metadata.get("namespace", ""), metadata["name"]), msgspec.json.encode(raw))


def send(kubeconfig: Path, requests: Iterable[Request]) -> None:
    """Send them all, 12 at a time. Raises aiohttp.ClientResponseError for an answer that is an error."""
    asyncio.run(_send(kubeconfig, list(requests)))


async def _send(kubeconfig: Path, requests: list[Request]) -> None:
    connection = from_kubeconfig(kubeconfig)
    headers = {"Authorization": await connection.credentials.header() or "", "Content-Type": APPLY}
    waiting = iter(requests)
    connector = aiohttp.TCPConnector(ssl=connection.tls or True, limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connection.server, connector=connector, headers=headers) as session:

        async def worker() -> None:
            for request in waiting:
                await _one(session, request)

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


async def _one(session: aiohttp.ClientSession, request: Request) -> None:
    if request.body is None:
        method, query = "DELETE", None
    else:
        method, query = "PATCH", {"fieldManager": "bare", "force": "true"}
    async with session.request(method, request.path, params=query, data=request.body) as answer:
        if answer.status != 404:
            answer.raise_for_status()
        await answer.read()
