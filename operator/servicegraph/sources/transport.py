"""HTTP sessions to the API server: kept alive, and quick to notice a peer that is gone."""

import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import aiohttp

from servicegraph import __version__
from servicegraph.sources.connection import Connection

_OPTIONS = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))


def timeouts(silence: float | None = None) -> aiohttp.ClientTimeout:
    """5 seconds to connect, and at most `silence` seconds between two pieces of an answer."""
    return aiohttp.ClientTimeout(sock_connect=5.0, sock_read=silence)


def session(connection: Connection, limit: int = 0, guard: Callable[[], None] | None = None) -> aiohttp.ClientSession:
    """A session of at most `limit` connections, 0 for as many as there are requests.

    `guard` is called right before each system call that sends. Where nothing may be sent it raises OSError, as the
    call itself would: the connection is closed.
    Answers are not compressed: that costs both sides more than the bytes do inside a cluster.
    """
    connector = aiohttp.TCPConnector(
        limit=limit,
        ssl=connection.tls or True,
        keepalive_timeout=60,
        socket_factory=partial(_socket, guard),
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"servicegraph/{__version__}",
        },
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class _GuardedSocket(socket.socket):
    """A process can be stopped between any two of its instructions: only here is nothing left but to send."""

    guard: Callable[[], None]

    def send(self, data: Any, flags: int = 0, /) -> int:
        self.guard()
        return super().send(data, flags)

    def sendmsg(self, buffers: Iterable[Any], /, *rest: Any) -> int:
        self.guard()
        return super().sendmsg(buffers, *rest)


def _socket(guard: Callable[[], None] | None, address: aiohttp.AddrInfoType) -> socket.socket:
    """Where the system can, a socket fails half a minute after its peer fell silent (man 7 tcp)."""
    family, kind, protocol, *_ = address
    if guard is None:
        found = socket.socket(family, kind, protocol)
    else:
        found = guarded = _GuardedSocket(family, kind, protocol)
        guarded.guard = guard
    found.setblocking(False)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return found
