"""Two inputs as one: a cluster, and files as they would be once they are applied to it."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

import msgspec

from servicegraph.model.cluster import Cluster
from servicegraph.model.graph import Graph
from servicegraph.sources.documents import Document
from servicegraph.sources.inputs import Input

T = TypeVar("T")


def overlay(under: Input, over: Input) -> Input:
    """Everything of both; where both have an object, that of `over`. Nothing is taken away, as with kubectl apply."""
    documents = {**under.documents, **over.documents}
    return Input(
        graphs=_merged(under.graphs, over.graphs, _graph_key),
        cluster=_clusters(under.cluster, over.cluster),
        documents=documents,
        profiles=over.profiles,
        errors=(*under.errors, *over.errors),
        policies=_merged(under.policies, over.policies, policy_key),
        pods=_merged(under.pods, over.pods, lambda pod: (pod.namespace, pod.name)),
        gaps=(*under.gaps, *over.gaps),
        others=(*under.others, *over.others),
    )


def policy_key(document: Document) -> Hashable:
    """Kind, namespace and name of a policy, as far as it says them."""
    metadata = document.data.get("metadata")
    if not isinstance(metadata, dict):
        return id(document)
    kind = str(document.data.get("kind"))
    return (kind, str(metadata.get("namespace") or "default"), str(metadata.get("name")))


def _clusters(under: Cluster, over: Cluster) -> Cluster:
    return msgspec.structs.replace(
        under,
        services=_merged(under.services, over.services, _key),
        workloads=_merged(under.workloads, over.workloads, _key),
        namespaces=_merged(under.namespaces, over.namespaces, lambda namespace: namespace.name),
        endpoint_slices=_merged(under.endpoint_slices, over.endpoint_slices, lambda s: (s.namespace, s.name)),
        node_addresses=tuple(sorted({*under.node_addresses, *over.node_addresses})),
    )


def _merged(under: Iterable[T], over: Iterable[T], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    new = list(over)
    replaced = {key(item) for item in new}
    return (*(item for item in under if key(item) not in replaced), *new)


def _key(item: Any) -> Hashable:
    found: Hashable = item.key
    return found


def _graph_key(graph: Graph) -> Hashable:
    return graph.key
