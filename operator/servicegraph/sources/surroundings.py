"""Addresses around the pods of a cluster: of its nodes, and where its API server answers."""

from typing import Any

import msgspec

from servicegraph.adopt.profiled import Addresses
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.objects import NODES
from servicegraph.sources.wire import Endpoint, EndpointPort, Metadata, Page

_NOT_TOLD = (403, 404)
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


class _Slice(msgspec.Struct, frozen=True):
    metadata: Metadata
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


async def addresses(client: ApiClient) -> Addresses:
    """What this user may see of them. Raises ApiError where the API server does not answer."""
    nodes = await _list(client, NODES.path(), NODES.wire)
    slices = await _list(client, _SLICES, _Slice, label_selector="kubernetes.io/service-name=kubernetes")
    kept = [NODES.read(node)[1] for node in nodes]
    ports = {port.port for one in slices for port in one.ports if port.port}
    servers = {address for one in slices for endpoint in one.endpoints for address in endpoint.addresses}
    return Addresses(
        tuple(sorted({address for node in kept if node is not None for address in node.addresses})),
        tuple(sorted(servers)),
        min(ports) if ports else None,
    )


async def _list(client: ApiClient, path: str, kind: Any, **options: str) -> list[Any]:
    try:
        return (await client.list_all(path, msgspec.json.Decoder(Page[kind]).decode, **options)).items
    except ApiError as error:
        if error.status not in _NOT_TOLD:
            raise
        return []
