"""What the cluster tells about itself where the ClusterProfile does not say it."""

import logging
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import msgspec

from servicegraph.controller.policykinds import CILIUM_POLICIES
from servicegraph.model.profile import ClusterProfile, DNSService, check
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.resources import Resource, api_path
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


class _DaemonSetStatus(_Wire, frozen=True):
    number_ready: int = 0


class _DaemonSet(_Wire, frozen=True):
    status: _DaemonSetStatus = _DaemonSetStatus()


RESOLVERS = (
    ("kube-system", "kube-dns"),
    ("openshift-dns", "dns-default"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("kube-system", "coredns"),
)
"""Where distributions have their DNS Service. The first is the name that kubeadm, k3s and hosted clusters use."""


class Observed(msgspec.Struct, frozen=True):
    """What was found: CIDRs of Services and pods, the DNS Service, and whether Cilium enforces policies here.

    `cilium_api` says whether its policies are a kind of this API server at all.
    """

    services: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    dns: tuple[str, str] = RESOLVERS[0]
    cilium_api: bool = False
    cilium: bool = False


def detect(profile: ClusterProfile, observed: Observed) -> ClusterProfile:
    """The profile with what it does not say filled in. What was not found stays unknown: never a guess.

    Addresses of nodes and of the API server are not: they are watched, and the compiler reads them from there.
    Raises ValueError where what was found makes no sense.
    """
    ranges, dns, engine = profile.ranges, profile.dns, profile.engine
    if engine.name == "Auto" and observed.cilium:
        engine = msgspec.structs.replace(engine, name="Cilium")
    resolver = dns.service or (None if dns.addresses else DNSService(*observed.dns))
    services, pods = ranges.services or observed.services, ranges.pods or observed.pods
    found = msgspec.structs.replace(
        profile,
        dns=msgspec.structs.replace(dns, service=resolver),
        ranges=msgspec.structs.replace(ranges, services=services, pods=pods),
        engine=engine,
    )
    return check(found)


async def observe(client: ApiClient, before: Observed) -> Observed:
    """Ask the API server; what it does not permit or have is as it was `before`.

    Raises ApiError where it cannot say, and ValueError where what it says is no range.
    """
    nodes = await _items(client, "/api/v1/nodes", _Node)
    cidrs = await _items(client, "/apis/networking.k8s.io/v1/servicecidrs", _ServiceCIDR)
    cilium_api = await _serves(client, CILIUM_POLICIES, before.cilium_api)
    return Observed(
        services=before.services if cidrs is None else _sorted(c for found in cidrs for c in found.spec.cidrs),
        pods=before.pods if nodes is None else _sorted(c for node in nodes for c in node.spec.pod_cidrs),
        dns=await _resolver(client, before.dns),
        cilium_api=cilium_api,
        cilium=cilium_api and (before.cilium or await _any_agent(client)),
    )


async def _serves(client: ApiClient, resource: Resource[Any, Any], before: bool) -> bool:
    try:
        kinds = await client.get(api_path(resource.group, resource.version))
    except ApiError as error:
        if error.status not in _NOT_TOLD:
            raise
        return before and error.status == _FORBIDDEN
    return any(kind["name"] == resource.plural for kind in kinds["resources"])


async def _any_agent(client: ApiClient) -> bool:
    """Whether an agent of Cilium is ready: once one was, Cilium is the engine for as long as its API is served."""
    agents = await _items(client, "/apis/apps/v1/daemonsets", _DaemonSet, "k8s-app=cilium")
    return any(agent.status.number_ready for agent in agents or ())


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


async def _items(client: ApiClient, path: str, kind: Any, label_selector: str = "") -> list[Any] | None:
    decode = msgspec.json.Decoder(Page[kind]).decode
    try:
        return (await client.list_all(path, decode, label_selector=label_selector)).items
    except ApiError as error:
        if error.status not in _NOT_TOLD:
            raise
        _log.debug("%s tells nothing: what was known stays, else the ClusterProfile has to say it: %s", path, error)
        return None


def _sorted(cidrs: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({str(ip_network(cidr, strict=False)) for cidr in cidrs}))
