"""What a ServiceAccount may do, asked of the API server."""

import asyncio
from collections.abc import Iterable

from servicegraph.adopt.permissions import NEEDED, Permission
from servicegraph.sources.api import ApiClient, ApiError

_FORBIDDEN = 403
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


async def denied(client: ApiClient, account: tuple[str, str], namespace: str | None) -> tuple[Permission, ...] | None:
    """What the operator needs and may not do, as the ServiceAccount of namespace and name; None where that is not told.

    `namespace` is the only one it serves, None for all.
    """
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
