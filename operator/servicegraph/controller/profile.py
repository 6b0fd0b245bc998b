"""What the cluster tells about itself where the ClusterProfile does not say it."""

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from servicegraph.model.addresses import single
from servicegraph.model.profile import ClusterProfile, DNSService
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.wire import Page

_NOT_TOLD = (403, 404)
_log = logging.getLogger(__name__)


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _Address(_Wire, frozen=True):
    type: str
    address: str


class _NodeSpec(_Wire, frozen=True):
    pod_cidrs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")


class _NodeStatus(_Wire, frozen=True):
    addresses: tuple[_Address, ...] = ()


class _Node(_Wire, frozen=True):
    spec: _NodeSpec = _NodeSpec()
    status: _NodeStatus = _NodeStatus()


class _RangeSpec(_Wire, frozen=True):
    cidrs: tuple[str, ...] = ()


class _ServiceCIDR(_Wire, frozen=True):
    spec: _RangeSpec = _RangeSpec()


class _Port(_Wire, frozen=True):
    port: int | None = None


class _Endpoint(_Wire, frozen=True):
    addresses: tuple[str, ...] = ()


class _Slice(_Wire, frozen=True):
    address_type: str = ""
    endpoints: tuple[_Endpoint, ...] = ()
    ports: tuple[_Port, ...] = ()


RESOLVERS = (
    ("kube-system", "kube-dns"),
    ("openshift-dns", "dns-default"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("kube-system", "coredns"),
)
"""Where distributions have their DNS Service. The first is the name that kubeadm, k3s and hosted clusters use."""


class Observed(msgspec.Struct, frozen=True):
    """What was found: CIDRs of Services, pods and nodes, where the API server is reached, and the DNS Service."""

    services: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    api_server: tuple[str, ...] = ()
    api_port: int | None = None
    dns: tuple[str, str] = RESOLVERS[0]


def detect(profile: ClusterProfile, observed: Observed) -> ClusterProfile:
    """The profile with what it does not say filled in. What was not found stays unknown: never a guess."""
    ranges, server, dns = profile.ranges, profile.api_server, profile.dns
    resolver = dns.service or (None if dns.addresses else DNSService(*observed.dns))
    return msgspec.structs.replace(
        profile,
        dns=msgspec.structs.replace(dns, service=resolver),
        ranges=msgspec.structs.replace(
            ranges,
            services=ranges.services or observed.services,
            pods=ranges.pods or observed.pods,
            nodes=ranges.nodes or observed.nodes,
        ),
        api_server=msgspec.structs.replace(
            server, addresses=server.addresses or observed.api_server, port=server.port or observed.api_port
        ),
    )


async def observe(client: ApiClient) -> Observed:
    """Ask the API server; what it does not permit or have is left out. Raises ApiError where it cannot say."""
    nodes = await _items(client, "/api/v1/nodes", _Node)
    cidrs = await _items(client, "/apis/networking.k8s.io/v1/servicecidrs", _ServiceCIDR)
    slices = await _items(
        client,
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        _Slice,
        label_selector="kubernetes.io/service-name=kubernetes",
    )
    ports = {port.port for found in slices for port in found.ports if port.port}
    internal = (a.address for node in nodes for a in node.status.addresses if a.type == "InternalIP")
    return Observed(
        services=_sorted(cidr for found in cidrs for cidr in found.spec.cidrs),
        pods=_sorted(cidr for node in nodes for cidr in node.spec.pod_cidrs),
        nodes=_sorted(single(address) for address in internal),
        api_server=_sorted(address for found in slices for e in found.endpoints for address in e.addresses),
        api_port=ports.pop() if len(ports) == 1 else None,
        dns=await _resolver(client),
    )


async def _resolver(client: ApiClient) -> tuple[str, str]:
    for namespace, name in RESOLVERS:
        try:
            await client.get(f"/api/v1/namespaces/{namespace}/services/{name}")
        except ApiError as error:
            if error.status not in _NOT_TOLD:
                raise
            continue
        return namespace, name
    return RESOLVERS[0]


async def _items(client: ApiClient, path: str, kind: Any, label_selector: str = "") -> list[Any]:
    decode = msgspec.json.Decoder(Page[kind]).decode
    try:
        return (await client.list_all(path, decode, label_selector=label_selector)).items
    except ApiError as error:
        if error.status not in _NOT_TOLD:
            raise
        _log.debug("%s tells nothing, the ClusterProfile has to: %s", path, error)
        return []


def _sorted(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found)))
