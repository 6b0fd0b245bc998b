"""The people of the story: what they do to the cluster, as themselves and not as the operator."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from servicegraph.sources.api import APPLY, MERGE, ApiClient, ApiError
from tools.demo.errors import DemoError
from tools.demo.manifests import Manifest, collection, path_of

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Right:
    """Something that RBAC may permit in a namespace."""

    verb: str
    resource: str
    group: str = ""


class Team:
    """A user of the API server. `name` is the field manager; each write gives the moment at which it was sent."""

    def __init__(self, client: ApiClient, name: str) -> None:
        self.client = client
        self._name = name

    async def apply(self, manifest: Manifest) -> float:
        """Server-side apply of one object. Raises DemoError, as every write here."""
        return await self._write("PATCH", path_of(manifest), manifest, APPLY)

    async def apply_all(self, manifests: Iterable[Manifest]) -> float:
        """Apply one after the other; the moment at which the first was sent."""
        return min([await self.apply(manifest) for manifest in manifests])

    async def patch(self, path: str, change: Mapping[str, Any]) -> float:
        """Merge-patch one object."""
        return await self._write("PATCH", path, change, MERGE)

    async def delete(self, path: str, propagation: str = "Background") -> float:
        """Delete one object; one that is gone already is fine."""
        sent = perf_counter()
        try:
            await self.client.request("DELETE", path, body={"propagationPolicy": propagation})
        except ApiError as error:
            if error.status != 404:
                raise _explained("DELETE", path, error) from None
        return sent

    async def until_exists(self, path: str, seconds: float) -> None:
        """Wait for an object, or for a kind to be served. Raises DemoError."""
        await self._until(path, seconds, expected=True)

    async def until_gone(self, path: str, seconds: float) -> None:
        """Wait for the end of an object. Raises DemoError."""
        await self._until(path, seconds, expected=False)

    async def exists(self, path: str) -> bool | None:
        """Whether there is such an object; None where the API server cannot tell yet. Raises DemoError."""
        try:
            await self.client.get(path)
        except ApiError as error:
            if error.status == 404:
                return False
            if error.is_transient:
                return None
            raise _explained("GET", path, error) from None
        return True

    async def may(self, user: str, right: Right, namespace: str) -> bool:
        """Whether RBAC lets a user do something. Raises DemoError."""
        attributes = {"verb": right.verb, "resource": right.resource, "group": right.group, "namespace": namespace}
        review = {"spec": {"user": user, "resourceAttributes": attributes}}
        path = collection("authorization.k8s.io/v1", "SubjectAccessReview")
        try:
            answer = await self.client.create(path, review)
        except ApiError as error:
            raise _explained("POST", path, error) from None
        return bool(answer["status"]["allowed"])

    async def until_may(self, user: str, right: Right, namespace: str, seconds: float) -> None:
        """Wait until RBAC has taken note of new roles. Raises DemoError."""
        deadline = perf_counter() + seconds
        while not await self.may(user, right, namespace):
            if perf_counter() > deadline:
                raise DemoError(f"{user} may not {right.verb} {right.resource} {seconds:g} s after its roles were made")
            await asyncio.sleep(_POLL_SECONDS)

    async def _until(self, path: str, seconds: float, *, expected: bool) -> None:
        deadline = perf_counter() + seconds
        while await self.exists(path) is not expected:
            if perf_counter() > deadline:
                raise DemoError(f"{path} is {'not there' if expected else 'still there'} after {seconds:g} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _write(self, method: str, path: str, body: Mapping[str, Any], content_type: str) -> float:
        query = {"fieldManager": self._name} | ({"force": "true"} if content_type == APPLY else {})
        sent = perf_counter()
        try:
            await self.client.request(method, path, query=query, body=body, content_type=content_type)
        except ApiError as error:
            raise _explained(method, path, error) from None
        return sent


def _explained(method: str, path: str, error: ApiError) -> DemoError:
    advice = (
        "\nYour user needs more rights there: the demo wants those of cluster-admin." if error.status == 403 else ""
    )
    return DemoError(f"{method} {path}: {error}{advice}")
