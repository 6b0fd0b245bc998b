"""Who may do what, as the API server's own authorizer answers, for everything that it serves."""

import asyncio
from collections.abc import Iterable
from typing import Any

from servicegraph.sources.api import ApiClient
from tests.integration.clients import with_client
from tests.integration.existing import Target

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_GROUPS = ["system:authenticated", "system:serviceaccounts"]
_ANYBODY = "system:serviceaccount:default:anybody"
_AT_ONCE = 16
"""As many as there are connections: the time of a request counts from its beginning."""

Resource = tuple[str, str]
"""Group and plural, with the subresource: ("apps", "deployments/scale")."""


def permissions(cluster: Target, user: str, namespace: str) -> dict[str, set[str]]:
    """The verbs that a user may use on each resource of a namespace, or where that is '' on what has none.

    Less what every ServiceAccount may. Resources are named `deployments.apps/scale`.
    """
    return with_client(cluster.kubeconfig, lambda client: _permissions(client, user, namespace))


def may(cluster: Target, user: str, namespace: str, resource: Resource, verb: str, name: str = "") -> bool:
    """Whether a user may do one thing."""
    return with_client(cluster.kubeconfig, lambda client: _may(client, user, namespace, resource, verb, name))


async def _permissions(client: ApiClient, user: str, namespace: str) -> dict[str, set[str]]:
    asked = [(resource, verb) for resource in await _resources(client, bool(namespace)) for verb in VERBS]
    granted = await _those(client, user, namespace, asked)
    common = await _those(client, _ANYBODY, namespace, granted)
    found: dict[str, set[str]] = {}
    for resource, verb in granted:
        if (resource, verb) not in common:
            found.setdefault(_title(resource), set()).add(verb)
    return found


async def _those(
    client: ApiClient, user: str, namespace: str, asked: Iterable[tuple[Resource, str]]
) -> list[tuple[Resource, str]]:
    questions, turns = list(asked), asyncio.Semaphore(_AT_ONCE)

    async def answer(resource: Resource, verb: str) -> bool:
        async with turns:
            return await _may(client, user, namespace, resource, verb)

    answers = await asyncio.gather(*(answer(*question) for question in questions))
    return [question for question, allowed in zip(questions, answers, strict=True) if allowed]


async def _may(client: ApiClient, user: str, namespace: str, resource: Resource, verb: str, name: str = "") -> bool:
    group, path = resource
    plural, _, subresource = path.partition("/")
    attributes: dict[str, Any] = {"group": group, "resource": plural, "subresource": subresource, "verb": verb}
    attributes |= {"namespace": namespace, "name": name}
    spec = {"user": user, "groups": _GROUPS, "resourceAttributes": attributes}
    return bool((await client.create(_REVIEWS, {"spec": spec}))["status"]["allowed"])


async def _resources(client: ApiClient, namespaced: bool) -> list[Resource]:
    """Everything that is served, subresources too."""
    groups = [(g["name"], g["preferredVersion"]["groupVersion"]) for g in (await client.get("/apis"))["groups"]]
    places = [("", "/api/v1"), *((name, f"/apis/{version}") for name, version in groups)]
    lists = await asyncio.gather(*(client.get(path) for _, path in places))
    return [
        (group, resource["name"])
        for (group, _), found in zip(places, lists, strict=True)
        for resource in found["resources"]
        if resource["namespaced"] == namespaced
    ]


def _title(resource: Resource) -> str:
    group, path = resource
    plural, slash, subresource = path.partition("/")
    return (f"{plural}.{group}" if group else plural) + slash + subresource
