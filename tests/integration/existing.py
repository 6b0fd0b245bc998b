"""A cluster that was there before the tests, and what tests make in any cluster for themselves."""

import asyncio
import json
import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from servicegraph.sources.connection import from_kubeconfig


class Target(Protocol):
    """What ordinary tests may ask of a cluster, be it embedded or one that was there before."""

    kubeconfig: Path

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request as its administrator: status code and decoded answer."""


class ExistingCluster:
    """The cluster of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        connection = from_kubeconfig(kubeconfig)
        self._server = connection.server
        self._authorization = asyncio.run(connection.credentials.header())
        tls = connection.tls or ssl.create_default_context()
        direct = urllib.request.ProxyHandler({"https": connection.proxy} if connection.proxy else {})
        self._opener = urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=tls))

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request as its administrator: status code and decoded answer."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self._server + path, method=method, data=data)
        asked.add_header("Content-Type", "application/json")
        if self._authorization:
            asked.add_header("Authorization", self._authorization)
        try:
            with self._opener.open(asked, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@contextmanager
def throw_away(cluster: Target) -> Iterator[str]:
    """A namespace, empty at first and gone after the block."""
    name = f"test-{secrets.token_hex(4)}"
    status, answer = cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert status == 201, answer
    yield name
    status, answer = cluster.request("DELETE", f"/api/v1/namespaces/{name}")
    assert status in (200, 202, 404), answer
