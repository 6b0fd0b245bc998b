"""What the cluster tells about itself where the ClusterProfile does not say it."""

import logging
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import msgspec

from servicegraph.model.profile import ClusterProfile, DNSService, check
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.wire import Page

_FORBIDDEN = 403
_NOT_TOLD = (_FORBIDDEN, 404)
_log = logging.getLogger(__name__)


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class _NodeSpec(_Wire, frozen=True):
    pod_cidrs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")


class _Node(_Wire, frozen=True):
    spec: _NodeSpec = _NodeSpec()


class _RangeSpec(_Wire, frozen=True):
    cidrs: tuple[str, ...] = ()


class _ServiceCIDR(_Wire, frozen=True):
    spec: _RangeSpec = _RangeSpec()


RESOLVERS = (
    ("kube-system", "kube-dns"),
    ("openshift-dns", "dns-default"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("kube-system", "coredns"),
)
"""Where distributions have their DNS Service. The first is the name that kubeadm, k3s and hosted clusters use."""


class Observed(msgspec.Struct, frozen=True):
    """What was found: CIDRs of Services and pods, and the DNS Service."""

    services: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    dns: tuple[str, str] = RESOLVERS[0]


def detect(profile: ClusterProfile, observed: Observed) -> ClusterProfile:
    """The profile with what it does not say filled in. What was not found stays unknown: never a guess.

    Addresses of nodes and of the API server are not: they are watched, and the compiler reads them from there.
    Raises ValueError where what was found makes no sense.
    """
    ranges, dns = profile.ranges, profile.dns
    resolver = dns.service or (None if dns.addresses else DNSService(*observed.dns))
    services, pods = ranges.services or observed.services, ranges.pods or observed.pods
    found = msgspec.structs.replace(
        profile,
        dns=msgspec.structs.replace(dns, service=resolver),
        ranges=msgspec.structs.replace(ranges, services=services, pods=pods),
    )
    return check(found)


async def observe(client: ApiClient, before: Observed) -> Observed:
    """Ask the API server; what it does not permit or have is as it was `before`.

    Raises ApiError where it cannot say, and ValueError where what it says is no range.
    """
    nodes = await _items(client, "/api/v1/nodes", _Node)
    cidrs = await _items(client, "/apis/networking.k8s.io/v1/servicecidrs", _ServiceCIDR)
    return Observed(
        services=before.services if cidrs is None else _sorted(c for found in cidrs for c in found.spec.cidrs),
        pods=before.pods if nodes is None else _sorted(c for node in nodes for c in node.spec.pod_cidrs),
        dns=await _resolver(client, before.dns),
    )


async def _resolver(client: ApiClient, before: tuple[str, str]) -> tuple[str, str]:
    for namespace, name in RESOLVERS:
        try:
            await client.get(f"/api/v1/namespaces/{namespace}/services/{name}")
        except ApiError as error:
            if error.status not in _NOT_TOLD:
                raise
            if error.status == _FORBIDDEN and (namespace, name) == before:
                return before
            continue
        return namespace, name
    return before


async def _items(client: ApiClient, path: str, kind: Any) -> list[Any] | None:
    decode = msgspec.json.Decoder(Page[kind]).decode
    try:
        return (await client.list_all(path, decode)).items
    except ApiError as error:
        if error.status not in _NOT_TOLD:
            raise
        _log.debug("%s tells nothing: what was known stays, else the ClusterProfile has to say it: %s", path, error)
        return None


def _sorted(cidrs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({str(ip_network(cidr, strict=False)) for cidr in cidrs}))
