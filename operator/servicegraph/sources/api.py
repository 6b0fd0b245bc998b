"""Requests to the API server: few, plain, each with an end in time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from servicegraph.sources.connection import Connection, CredentialsError
from servicegraph.sources.transport import session, timeouts
from servicegraph.sources.wire import Page, Status

T = TypeVar("T")

FIELD_MANAGER = "servicegraph-operator"
PAGE_SIZE = 500
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

_JSON = "application/json"
_EXPIRED = 410
_UNAUTHORIZED = 401
_TIMEOUTS = timeouts()
_status = msgspec.json.Decoder(Status)


class ApiError(Exception):
    """A request that did not succeed.

    `status` is the HTTP status, 0 where there was no answer; `reason` is metav1.Status's; `retry_after` is in
    seconds, None where the API server did not say.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later without anybody changing anything."""
        return self.status in (0, 408, 429) or self.status >= 500

    @property
    def is_namespace_ending(self) -> bool:
        """Whether the namespace is being deleted, or gone: no permission is missing."""
        if self.status == 404:
            return "namespaces" in self.message
        return self.status == 403 and "being terminated" in self.message


class ApiClient:
    """A client of one API server. An async context manager; safe to share between tasks of one loop.

    At most `in_flight` writes are under way at once; each request but a watch ends after `timeout` seconds at the
    latest, its time in the queue included. `fence` is called before each write with the seconds it may take, and again
    before each of its bytes is sent; where they must not be it raises OSError, and the write ApiError like any other
    that did not get through. `on_error` is told each ApiError.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        in_flight: int = 16,
        timeout: float = 10.0,
        fence: Callable[[float], None] | None = None,
        on_error: Callable[[ApiError], None] = lambda error: None,
    ) -> None:
        self.timeout = timeout
        self._on_error = on_error
        self._connection = connection
        self._fence = fence
        self._reads = session(connection)
        self._writes = session(connection, in_flight, partial(fence, timeout) if fence else None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End every connection."""
        await self._reads.close()
        await self._writes.close()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """One object, or anything else that is JSON. Raises ApiError, as every method here."""
        return _object(await self.request("GET", path, query=query))

    async def list_all(
        self,
        path: str,
        decode: Callable[[bytes], Page[T]],
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Page[T]:
        """All objects of a collection at one resourceVersion, read in pages.

        When the pages take so long that the API server forgets that version, everything is read again at once.
        """
        query = _query(labelSelector=label_selector, fieldSelector=field_selector)
        try:
            return await self._pages(path, decode, query | {"limit": str(PAGE_SIZE)})
        except ApiError as error:
            if error.status != _EXPIRED:
                raise
            return await self._pages(path, decode, query)

    async def create(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path`."""
        return _object(await self.request("POST", path, body=manifest))

    async def apply(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply, forced, of one object or its subresource.

        A metadata.resourceVersion in the manifest is a precondition: another one live is a 409.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return _object(await self.request("PATCH", path, query=query, body=manifest, content_type=APPLY))

    async def merge(self, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """JSON merge patch of one object or its subresource."""
        query = {"fieldManager": FIELD_MANAGER}
        return _object(await self.request("PATCH", path, query=query, body=patch, content_type=MERGE))

    async def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        """Delete an object if it is still this one in this state; otherwise a 409."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        await self.request("DELETE", path, body={"preconditions": preconditions, "propagationPolicy": "Background"})

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
    ) -> bytes:
        """One request and its answer's body."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": content_type}
        through = self._reads if method == "GET" else self._writes
        refused: str | None = None
        while True:
            try:
                async with asyncio.timeout(self.timeout):
                    authorization = await self._connection.credentials.header(refused=refused)
                    if self._fence is not None and through is self._writes:
                        self._fence(self.timeout)
                    sent = self._send(through, method, path, query or {}, headers, authorization, data)
                    async with sent as response:
                        answer = await response.read()
            except TimeoutError:
                raise self._failed(0, "Timeout", f"{method} {path} had no answer in {self.timeout:g} s") from None
            except (aiohttp.ClientError, CredentialsError, OSError) as error:
                raise self._failed(0, "Unreachable", f"{method} {path}: {error}") from None
            if response.status == _UNAUTHORIZED and authorization and refused is None:
                refused = authorization
                continue
            if response.status >= 400:
                raise self._refused(response, answer)
            return answer

    async def watch(
        self, path: str, *, resource_version: str, seconds: int, silence: float, label_selector: str = ""
    ) -> AsyncGenerator[list[bytes]]:
        """Events of a collection as lines of JSON, in batches as they arrive; an empty batch says that it began.

        The API server ends it after `seconds`; nothing received for `silence` seconds raises ApiError.
        """
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=str(seconds),
            labelSelector=label_selector,
        )
        timeout = timeouts(silence)
        try:
            async with asyncio.timeout(self.timeout):
                authorization = await self._connection.credentials.header()
            async with self._send(self._reads, "GET", path, query, {}, authorization, None, timeout) as response:
                if response.status == _UNAUTHORIZED:
                    await self._connection.credentials.header(refused=authorization)
                if response.status >= 400:
                    raise self._refused(response, await response.read())
                yield []
                rest = b""
                async for chunk in response.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield lines
        except TimeoutError:
            raise self._failed(0, "Timeout", f"the watch of {path} was silent for {silence:g} s") from None
        except (aiohttp.ClientError, CredentialsError, OSError) as error:
            raise self._failed(0, "Unreachable", f"the watch of {path}: {error}") from None

    async def _pages(self, path: str, decode: Callable[[bytes], Page[T]], query: dict[str, str]) -> Page[T]:
        page = decode(await self.request("GET", path, query=query))
        items = page.items
        while page.metadata.continue_:
            page = decode(await self.request("GET", path, query=query | {"continue": page.metadata.continue_}))
            items += page.items
        return Page(page.metadata, items)

    def _send(
        self,
        through: aiohttp.ClientSession,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        authorization: str | None,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout = _TIMEOUTS,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return through.request(
            method,
            self._connection.server + path,
            params=query,
            headers={**headers, "Authorization": authorization} if authorization else headers,
            data=data,
            server_hostname=self._connection.server_hostname,
            proxy=self._connection.proxy,
            timeout=timeout,
            allow_redirects=False,
        )

    def _refused(self, response: aiohttp.ClientResponse, answer: bytes) -> ApiError:
        try:
            status = _status.decode(answer)
        except msgspec.DecodeError:
            status = Status(message=answer[:200].decode(errors="replace").strip())
        after = response.headers.get("Retry-After", "")
        reason = status.reason or response.reason or "Unknown"
        return self._failed(response.status, reason, status.message, float(after) if after.isdigit() else None)

    def _failed(self, status: int, reason: str, message: str, retry_after: float | None = None) -> ApiError:
        error = ApiError(status, reason, message, retry_after)
        self._on_error(error)
        return error


def _query(**parameters: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _object(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(answer)
    return found
