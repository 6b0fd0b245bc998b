"""The operator's own identity: its ServiceAccount, what that may do, and a kubeconfig with a token of it."""

import json
from pathlib import Path
from typing import Any

from servicegraph.sources.api import ApiError
from tools.demo.errors import DemoError
from tools.demo.manifests import CONFIG, Manifest, collection, kustomized, moved
from tools.demo.place import Place
from tools.demo.programs import output
from tools.demo.team import Team

_ACCOUNT = "ServiceAccount"


async def install(team: Team, place: Place, kubectl: Path) -> str:
    """Apply the repository's own RBAC; the name of the ServiceAccount.

    In an embedded cluster that of an operator that serves everything; else Roles in the one namespace.
    """
    if place.confined:
        folders = (CONFIG / "rbac" / "operator", CONFIG / "rbac" / "namespace")
        manifests = moved(await kustomized(kubectl, *folders), place.namespace)
    else:
        manifests = await kustomized(kubectl, CONFIG / "namespace", CONFIG / "rbac")
    await team.apply_all(manifests)
    return _account(manifests)


async def kubeconfig(team: Team, place: Place, kubectl: Path, account: str, seconds: int) -> Path:
    """Write a kubeconfig for a token of the ServiceAccount, good for `seconds`. Raises DemoError."""
    path = f"{collection('v1', _ACCOUNT, place.home)}/{account}/token"
    try:
        answer = await team.client.create(path, {"spec": {"expirationSeconds": seconds}})
    except ApiError as error:
        raise DemoError(f"no token for the operator's ServiceAccount: {error}") from None
    command = (str(kubectl), *place.flags, "config", "view", "--minify", "--raw", "--flatten", "--output=json")
    own = json.loads(await output(*command, what="reading the kubeconfig"))
    file = place.folder / "operator.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(json.dumps(_with_token(own, answer["status"]["token"], place.home)))
    return file


def _account(manifests: list[Manifest]) -> str:
    return str(next(found for found in manifests if found["kind"] == _ACCOUNT)["metadata"]["name"])


def _with_token(own: dict[str, Any], token: str, namespace: str) -> dict[str, Any]:
    """The same cluster, another user."""
    name = "servicegraph-operator"
    context = {"cluster": own["clusters"][0]["name"], "user": name, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": own["clusters"],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
