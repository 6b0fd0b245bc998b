"""Policies of kinds that the proof does not know: whether the cluster has such kinds, and for which namespaces any."""

import logging
from collections.abc import Collection

import msgspec

from servicegraph.controller.policykinds import CILIUM_POLICIES, resource_of
from servicegraph.controller.state import State
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.resources import api_path
from servicegraph.sources.wire import Page
from servicegraph.verify.unmodelled import KINDS, PolicyKind

_FORBIDDEN, _NOT_FOUND = 403, 404
_SHOWN = 3

_log = logging.getLogger(__name__)


class _Metadata(msgspec.Struct, frozen=True):
    name: str
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True):
    metadata: _Metadata


_page = msgspec.json.Decoder(Page[_Named]).decode


class Others:
    """Looks for them. What may not be listed counts as there, for every namespace."""

    def __init__(self, client: ApiClient, namespaces: tuple[str, ...], state: State) -> None:
        self._client = client
        self._namespaces = namespaces
        self._state = state

    async def look(self) -> None:
        """Note what there is in the state, and nothing where the API server does not answer."""
        try:
            found = await self._find()
        except ApiError as error:
            _log.warning("policies of other kinds are not looked for this time: %s", error)
        else:
            self._state.unmodelled = {scope: _told(names) for scope, names in found.items()}

    async def _find(self) -> dict[str, list[str]]:
        """Names of policies by the namespace they are for, empty for those of the whole cluster."""
        groups = (await self._client.get("/apis"))["groups"]
        served = {group["name"]: [version["version"] for version in group["versions"]] for group in groups}
        found: dict[str, list[str]] = {}
        for kind in KINDS:
            for version in served.get(kind.group, ()):
                if (names := await self._list(kind, version)) is not None:
                    for scope, name in names:
                        found.setdefault(scope, []).append(name)
                    break
        return found

    async def _list(self, kind: PolicyKind, version: str) -> list[tuple[str, str]] | None:
        """The policies of a kind, each with its namespace; None where that version has no such kind."""
        scopes: Collection[tuple[str, ...]] = [()]
        if kind.namespaced and self._namespaces:
            scopes = [("namespaces", namespace) for namespace in self._namespaces]
        found = []
        for scope in scopes:
            try:
                page = await self._client.list_all(api_path(kind.group, version, *scope, kind.plural), _page)
            except ApiError as error:
                if error.status == _NOT_FOUND:
                    return None
                if error.status != _FORBIDDEN:
                    raise
                found.append(("", f"{kind} (the operator may not list them)"))
            else:
                theirs = (item.metadata for item in page.items if not _is_followed(kind, item.metadata))
                found += [(metadata.namespace, f"{kind.kind} {metadata.name}") for metadata in theirs]
        return found


def _is_followed(kind: PolicyKind, metadata: _Metadata) -> bool:
    """Whether it has a name that the operator gives: those it watches, and knows whose they are."""
    return kind.kind == CILIUM_POLICIES.kind and resource_of(metadata.name) is CILIUM_POLICIES


def _told(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(sorted(names)[:_SHOWN]) + more
