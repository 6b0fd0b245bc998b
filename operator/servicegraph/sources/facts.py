"""What the doctor looks at, asked of a live API server."""

import asyncio
from collections.abc import Iterable

import msgspec

from servicegraph.adopt.doctor import DaemonSet, Facts
from servicegraph.adopt.permissions import NEEDED, Permission
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.resource import API_VERSION, PLURAL
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.wire import Metadata, Page

_FORBIDDEN, _NOT_FOUND = 403, 404
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class _Counts(msgspec.Struct, frozen=True, rename="camel"):
    desired_number_scheduled: int = 0
    number_ready: int = 0


class _DaemonSet(msgspec.Struct, frozen=True):
    metadata: Metadata
    status: _Counts = _Counts()


_daemon_sets = msgspec.json.Decoder(Page[_DaemonSet]).decode


async def look(client: ApiClient, account: tuple[str, str], namespace: str | None) -> Facts:
    """Everything. `account` is the operator's ServiceAccount, namespace and name; `namespace` the only one it serves,
    None for all. Raises ApiError where the API server does not answer.
    """
    version, served, daemon_sets, denied = await asyncio.gather(
        client.get("/version"), _serves(client), _list(client), _denied(client, account, namespace)
    )
    return Facts(version.get("gitVersion", ""), served, daemon_sets, "/".join(account), denied)


async def _serves(client: ApiClient) -> bool:
    try:
        found = await client.get(f"/apis/{API_VERSION}")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return False
        raise
    return any(resource["name"] == PLURAL for resource in found["resources"])


async def _list(client: ApiClient) -> tuple[DaemonSet, ...] | None:
    try:
        page = await client.list_all("/apis/apps/v1/daemonsets", _daemon_sets)
    except ApiError as error:
        if error.status == _FORBIDDEN:
            return None
        raise
    return tuple(
        DaemonSet(
            WorkloadKey(item.metadata.namespace, "apps", "DaemonSet", item.metadata.name),
            item.status.desired_number_scheduled,
            item.status.number_ready,
        )
        for item in page.items
    )


async def _denied(client: ApiClient, account: tuple[str, str], namespace: str | None) -> tuple[Permission, ...] | None:
    asked = [permission for permission in NEEDED if namespace is None or not permission.cluster]
    try:
        answers = await asyncio.gather(*(_may(client, account, permission, namespace) for permission in asked))
    except ApiError as error:
        if error.status == _FORBIDDEN:
            return None
        raise
    return tuple(permission for permission, allowed in zip(asked, answers, strict=True) if not allowed)


async def _may(client: ApiClient, account: tuple[str, str], permission: Permission, namespace: str | None) -> bool:
    home, name = account
    spec = {
        "user": f"system:serviceaccount:{home}:{name}",
        "groups": _groups(home),
        "resourceAttributes": {
            "verb": permission.verb,
            "group": permission.group,
            "resource": permission.resource,
            "subresource": permission.subresource,
            "namespace": home if permission.own else namespace or "",
        },
    }
    answer = await client.create(_REVIEWS, {"spec": spec})
    return bool(answer["status"]["allowed"])


def _groups(namespace: str) -> Iterable[str]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
