"""The objects of a cluster from which `init` writes graphs, as they are: read once, and no Secrets among them."""

import asyncio
from typing import Any

from servicegraph.model.resource import GROUP, KIND, PLURAL, VERSION
from servicegraph.sources.api import ApiClient
from servicegraph.sources.documents import Document
from servicegraph.sources.errors import InputError
from servicegraph.sources.live import Reader
from servicegraph.sources.objects import ENDPOINT_SLICES, NAMESPACES, NODES, SERVICES, WORKLOADS
from servicegraph.sources.resources import Resource

_FORBIDDEN, _NOT_FOUND = 403, 404
_COMPILED: tuple[Resource[Any, Any], ...] = (NAMESPACES, NODES, SERVICES, ENDPOINT_SLICES, *WORKLOADS)
_Listed = tuple[str, str, str, str, bool]
_TELLING: tuple[_Listed, ...] = (
    ("", "v1", "configmaps", "ConfigMap", True),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", True),
)
_PERHAPS: tuple[_Listed, ...] = (
    ("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", True),
    ("gateway.networking.k8s.io", "v1", "grpcroutes", "GRPCRoute", True),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False),
)


async def read(client: ApiClient, where: str, namespace: str = "") -> tuple[list[Document], list[InputError]]:
    """All of them, and what the cluster does not tell. Raises ApiError where the API server does not answer."""
    reader = Reader(client, where, namespace)
    kinds = [((r.group, r.version, r.plural, r.kind, r.namespaced), r.label_selector) for r in _COMPILED]
    found = await asyncio.gather(
        *(reader.raw(*kind, selector) for kind, selector in (*kinds, *((kind, "") for kind in _TELLING))),
        *(reader.raw(*kind, quiet=(_FORBIDDEN, _NOT_FOUND)) for kind in _PERHAPS),
    )
    _, graphs = reader.graphs(await reader.raw(GROUP, VERSION, PLURAL, KIND, namespaced=True))
    return [*graphs.values(), *(document for of_kind in found for document in of_kind)], reader.gaps
