"""What a cluster holds, read once and read only: LISTs in pages, nothing watched and nothing written."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster, EndpointSlice, Namespace, Pod, Workload
from servicegraph.model.graph import Graph, WorkloadTerm
from servicegraph.model.refs import GraphKey, WorkloadKey
from servicegraph.model.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.documents import Document
from servicegraph.sources.errors import InputError
from servicegraph.sources.inputs import CILIUM_POLICY, POLICY, Input
from servicegraph.sources.objects import ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES, WORKLOADS, NodeAddresses
from servicegraph.sources.positions import Unplaced
from servicegraph.sources.resources import Resource, api_path
from servicegraph.sources.scale import scale_selector
from servicegraph.sources.wire import Page
from servicegraph.verify import unmodelled

T = TypeVar("T")
Raw = dict[str, Any]

_FORBIDDEN, _NOT_FOUND = 403, 404
_raw = msgspec.json.Decoder(Page[Raw]).decode
_UNPLACED = Unplaced()


async def read(client: ApiClient, where: str, namespace: str = "", *, pods: bool = False) -> Input:
    """Everything that answers are made of, of one namespace or of all; `where` names the cluster in messages.

    What nothing can be said without is an error; of the rest, what is forbidden or not installed is a gap. Pods are
    read only where they are asked for.
    """
    reader = Reader(client, where, namespace)
    try:
        return await reader.read(pods)
    except ApiError as error:
        message = f"the API server does not answer: {error}: check --context and --kubeconfig"
        return Input((), Cluster(), {}, (), (InputError(where, message),))


class Reader:
    """Lists kinds, and keeps what could not be listed."""

    def __init__(self, client: ApiClient, where: str, namespace: str) -> None:
        self.client = client
        self.where = where
        self.namespace = namespace
        self.errors: list[InputError] = []
        self.gaps: list[InputError] = []

    async def read(self, pods: bool) -> Input:
        """All kinds, side by side."""
        kinds: tuple[Resource[Any, Any], ...] = (NODES, ENDPOINT_SLICES, *WORKLOADS, *((PODS,) if pods else ()))
        policies, graphs, services, namespaces, several = await asyncio.gather(
            self._documents("networking.k8s.io", "v1", "networkpolicies", POLICY, needed=True),
            self._documents(GROUP, VERSION, PLURAL, (API_VERSION, KIND)),
            self._list(SERVICES, needed=True),
            self._namespaces(),
            asyncio.gather(*(self._list(kind) for kind in kinds)),
        )
        others = await self._others()
        listed = [item for of_kind in several for item in of_kind]
        found, documents = self.graphs(graphs)
        cluster = Cluster(
            services=tuple(services),
            workloads=(*_only(Workload, listed), *await self._scaled(found)),
            namespaces=tuple(namespaces),
            endpoint_slices=_only(EndpointSlice, listed),
            node_addresses=tuple(sorted({a for node in _only(NodeAddresses, listed) for a in node.addresses})),
        )
        return Input(
            graphs=found,
            cluster=cluster,
            documents=documents,
            profiles=(),
            errors=tuple(self.errors),
            policies=(*policies, *(found for found in others if _kind(found) == CILIUM_POLICY)),
            pods=_only(Pod, listed),
            gaps=tuple(self.gaps),
            others=tuple(found for found in others if _kind(found) != CILIUM_POLICY),
        )

    async def raw(
        self,
        group: str,
        version: str,
        plural: str,
        kind: str,
        namespaced: bool,
        selector: str = "",
        *,
        quiet: tuple[int, ...] = (),
    ) -> list[Document]:
        """All objects of a kind, as they are; of a namespace only, those that are in it."""
        if self.namespace and not namespaced:
            return []
        path = api_path(group, version, *(("namespaces", self.namespace) if self.namespace else ()), plural)
        items = await self._pages(path, _raw, f"{plural}.{group}" if group else plural, selector, quiet=quiet)
        return self._as_documents(items, f"{group}/{version}" if group else version, kind)

    async def _documents(
        self, group: str, version: str, plural: str, kind: tuple[str, str], *, needed: bool = False
    ) -> list[Document]:
        """Objects as they are; items of a list do not say what they are."""
        scope = ("namespaces", self.namespace) if self.namespace else ()
        path = api_path(group, version, *scope, plural)
        api_version, name = kind
        items = await self._pages(path, _raw, f"{plural}.{group}", needed=needed)
        return self._as_documents(items, api_version, name)

    def _as_documents(self, items: Iterable[Raw], api_version: str, kind: str) -> list[Document]:
        return [
            Document(self._file(kind, item), {"apiVersion": api_version, "kind": kind, **item}, _UNPLACED)
            for item in items
        ]

    async def _others(self) -> list[Document]:
        """Policies of kinds that are not modelled, of whichever of them the cluster has."""
        groups = (await self.client.get("/apis"))["groups"]
        served = {group["name"]: group["preferredVersion"]["version"] for group in groups}
        found: list[Document] = []
        for kind in (kind for kind in unmodelled.KINDS if kind.group in served):
            version = served[kind.group]
            scope = ("namespaces", self.namespace) if self.namespace and kind.namespaced else ()
            items = await self._pages(
                api_path(kind.group, version, *scope, kind.plural), _raw, str(kind), quiet=(_NOT_FOUND,)
            )
            found += self._as_documents(items, f"{kind.group}/{version}", kind.kind)
        return found

    async def _list(self, resource: Resource[Any, T], *, needed: bool = False, quiet: tuple[int, ...] = ()) -> list[T]:
        decode = msgspec.json.Decoder(Page[resource.wire]).decode  # type: ignore[name-defined]
        path = resource.path(self.namespace)
        items = await self._pages(path, decode, resource.plural, resource.label_selector, needed=needed, quiet=quiet)
        found = []
        for item in items:
            try:
                _, kept, _ = resource.read(item)
            except ValueError as error:
                self.gaps.append(InputError(f"{self.where}: {resource.kind} {item.metadata.name}", str(error)))
            else:
                if kept is not None:
                    found.append(kept)
        return found

    async def _pages(
        self,
        path: str,
        decode: Any,
        plural: str,
        selector: str = "",
        *,
        needed: bool = False,
        quiet: tuple[int, ...] = (),
    ) -> list[Any]:
        """All pages of a collection; none of one that may not be read or is not there, told but for `quiet`."""
        try:
            page: Page[Any] = await self.client.list_all(path, decode, label_selector=selector)
        except ApiError as error:
            if error.status not in (_FORBIDDEN, _NOT_FOUND):
                raise
            if error.status not in quiet:
                self._untold(plural, error, needed)
            return []
        return page.items

    def _untold(self, plural: str, error: ApiError, needed: bool) -> None:
        scope = f"in namespace {self.namespace}" if self.namespace else "in all namespaces"
        if error.status == _NOT_FOUND:
            message = f"{plural} are not installed, so there are none"
        elif needed:
            other = "" if self.namespace else ", or name one that you may read with --namespace"
            message = f"you may not list {plural} {scope}: ask for that permission{other}"
        else:
            message = f"you may not list {plural} {scope}: the answer does without them"
        (self.errors if needed else self.gaps).append(InputError(self.where, message))

    async def _namespaces(self) -> list[Namespace]:
        """Those there are; who may not list them may perhaps read the one."""
        if not self.namespace:
            return await self._list(NAMESPACES)
        found = await self._list(NAMESPACES, quiet=(_FORBIDDEN,)) or await self._one_namespace()
        if found and not any(known.name == self.namespace for known in found):
            self.errors.append(InputError(self.where, f"there is no namespace {self.namespace}"))
        return found

    async def _one_namespace(self) -> list[Namespace]:
        try:
            kept = NAMESPACES.decode(await self.client.get(NAMESPACES.path(name=self.namespace)))
        except ApiError as error:
            if error.status not in (_FORBIDDEN, _NOT_FOUND):
                raise
            self._untold("namespaces", error, needed=False)
            return []
        return [kept] if kept is not None else []

    def graphs(self, found: Iterable[Document]) -> tuple[tuple[Graph, ...], dict[GraphKey, Document]]:
        """Those that are valid; of the others the operator leaves the policies as they are, and so do answers."""
        graphs, documents = [], {}
        for document in found:
            parsed = parse(document.data)
            if parsed.graph is None:
                first = parsed.problems[0]
                message = f"this graph is invalid and counts as not there: {first.path}: {first.message}"
                self.gaps.append(InputError(document.file, message))
            else:
                graphs.append(parsed.graph)
                documents[parsed.key] = document
        return tuple(graphs), documents

    async def _scaled(self, graphs: Iterable[Graph]) -> list[Workload]:
        """Workloads of kinds that are not listed, where a graph selects one (R19)."""
        listed = {(resource.group, resource.kind) for resource in WORKLOADS}
        keys = {
            term.key
            for graph in graphs
            for service in graph.services
            for term in service.selects
            if isinstance(term, WorkloadTerm) and (term.key.group, term.key.kind) not in listed
        }
        return [found for key in sorted(keys) if (found := await self._scale(key)) is not None]

    async def _scale(self, key: WorkloadKey) -> Workload | None:
        try:
            selector = await scale_selector(self.client, key)
        except (ApiError, ValueError) as error:
            self.gaps.append(InputError(self.where, f"the pods of {key} are not known: {error}"))
            return None
        return None if selector is None else Workload(key, selector)

    def _file(self, kind: str, item: Raw) -> str:
        metadata = item.get("metadata", {})
        return f"{self.where}: {kind} {metadata.get('namespace')}/{metadata.get('name')}"


def _kind(document: Document) -> tuple[Any, Any]:
    return document.data.get("apiVersion"), document.data.get("kind")


def _only(kind: type[T], found: Iterable[Any]) -> tuple[T, ...]:
    return tuple(item for item in found if isinstance(item, kind))
