"""What the doctor looks at, asked of a live API server. What this user may not see is left open."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from servicegraph.adopt.crd import installed
from servicegraph.adopt.facts import DaemonSet, DNSFacts, Facts, Lease, Operator
from servicegraph.model.ports import Protocol
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.resource import API_VERSION, GROUP, PLURAL, VERSION
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.errors import InputError
from servicegraph.sources.profile import parse_profile
from servicegraph.sources.rights import denied
from servicegraph.sources.wire import Metadata, Page

_FORBIDDEN, _NOT_FOUND = 403, 404
_OPERATOR = "servicegraph-operator"
_PROFILE = "profile.yaml"
_COREFILE = "/api/v1/namespaces/kube-system/configmaps/coredns"

Raw = Mapping[str, Any]


class _Counts(msgspec.Struct, frozen=True, rename="camel"):
    desired_number_scheduled: int = 0
    number_ready: int = 0


class _DaemonSet(msgspec.Struct, frozen=True):
    metadata: Metadata
    status: _Counts = _Counts()
    spec: dict[str, Any] = {}


_daemon_sets = msgspec.json.Decoder(Page[_DaemonSet]).decode
_graphs = msgspec.json.Decoder(Page[dict[str, Any]]).decode


async def look(
    client: ApiClient, account: tuple[str, str], namespace: str | None, own_version: str, resolver: tuple[str, str]
) -> Facts:
    """Everything. `account` is the operator's ServiceAccount, namespace and name; `namespace` the only one it serves,
    None for all; `resolver` the Service that resolves names. Raises ApiError where the API server does not answer.
    """
    looker = _Looker(client)
    home = account[0]
    version, served, daemon_sets, lacking, dns = await asyncio.gather(
        client.get("/version"),
        _serves(client),
        looker.daemon_sets(),
        denied(client, account, namespace),
        looker.dns(ServiceKey(*resolver)),
    )
    deployment, lease, corefile = await asyncio.gather(
        looker.get("operator", f"/apis/apps/v1/namespaces/{home}/deployments/{_OPERATOR}"),
        looker.get("lease", f"/apis/coordination.k8s.io/v1/namespaces/{home}/leases/{_OPERATOR}"),
        looker.get("corefile", _COREFILE),
    )
    graphs = await looker.graphs(namespace) if served else []
    return Facts(
        version=version.get("gitVersion", ""),
        serves_graphs=served,
        daemon_sets=daemon_sets,
        account="/".join(account),
        denied=lacking,
        own_version=own_version,
        crd_fields=await looker.crd_fields() if served else None,
        operator=_operator(deployment) if deployment else None,
        lease=_lease(lease) if lease else None,
        dns=dns,
        corefile=(corefile or {}).get("data", {}).get("Corefile", ""),
        ranges=tuple(sorted(_name(graph) for graph in graphs if _uses_range(graph.get("spec")))),
        names=tuple(sorted(_name(graph) for graph in graphs if _uses_name(graph.get("spec")))),
        profile=await looker.profile(home, deployment) if deployment else None,
        hidden=frozenset(looker.hidden),
    )


class _Looker:
    """Asks for what may be missing or hidden."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self.hidden: set[str] = set()

    async def get(self, what: str, path: str) -> dict[str, Any] | None:
        """One object; None where there is none or this user may not see it."""
        try:
            return await self._client.get(path)
        except ApiError as error:
            if error.status not in (_FORBIDDEN, _NOT_FOUND):
                raise
            if error.status == _FORBIDDEN:
                self.hidden.add(what)
            return None

    async def _list(self, what: str, path: str, decode: Any, **options: str) -> list[Any] | None:
        try:
            return (await self._client.list_all(path, decode, **options)).items
        except ApiError as error:
            if error.status not in (_FORBIDDEN, _NOT_FOUND):
                raise
            self.hidden.add(what)
            return None

    async def daemon_sets(self) -> tuple[DaemonSet, ...] | None:
        """Every DaemonSet."""
        items = await self._list("daemon_sets", "/apis/apps/v1/daemonsets", _daemon_sets)
        return None if items is None else tuple(map(_daemon_set, items))

    async def graphs(self, namespace: str | None) -> list[dict[str, Any]]:
        """The graphs there are, as far as they may be seen."""
        scope = f"namespaces/{namespace}/" if namespace else ""
        return await self._list("graphs", f"/apis/{API_VERSION}/{scope}{PLURAL}", _graphs) or []

    async def crd_fields(self) -> frozenset[str] | None:
        """The fields of a ServiceGraph that the API server knows."""
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
        found = await self.get("crd", path)
        versions = found["spec"]["versions"] if found else ()
        schema = next((v["schema"]["openAPIV3Schema"] for v in versions if v["name"] == VERSION), None)
        return installed(schema["properties"]["spec"]) if schema else None

    async def dns(self, key: ServiceKey) -> DNSFacts | None:
        """The Service that resolves names, with the pods behind it."""
        service = await self.get("dns", f"/api/v1/namespaces/{key.namespace}/services/{key.name}")
        if service is None:
            return None
        path = f"/apis/discovery.k8s.io/v1/namespaces/{key.namespace}/endpointslices"
        selector = f"kubernetes.io/service-name={key.name}"
        slices = await self._list("endpoints", path, _graphs, label_selector=selector) or []
        ready = [e for one in slices for e in one.get("endpoints") or () if (e.get("conditions") or {}).get("ready")]
        spec = service["spec"]
        return DNSFacts(
            key,
            tuple(sorted((spec.get("selector") or {}).items())),
            _numbers(spec.get("ports") or ()),
            _numbers(port for one in slices for port in one.get("ports") or () if "dns" in port.get("name", "")),
            len(ready),
        )

    async def profile(self, home: str, deployment: Raw) -> ClusterProfile | None:
        """The operator's own profile, from the ConfigMap that it mounts."""
        volumes = deployment["spec"]["template"]["spec"].get("volumes") or ()
        name = next((v["configMap"]["name"] for v in volumes if v["name"] == "profile" and "configMap" in v), None)
        found = await self.get("profile", f"/api/v1/namespaces/{home}/configmaps/{name}") if name else None
        text = (found or {}).get("data", {}).get(_PROFILE)
        try:
            return parse_profile(f"ConfigMap {name}", text) if text else None
        except InputError:
            return None


async def _serves(client: ApiClient) -> bool:
    try:
        found = await client.get(f"/apis/{API_VERSION}")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return False
        raise
    return any(resource["name"] == PLURAL for resource in found["resources"])


def _daemon_set(item: _DaemonSet) -> DaemonSet:
    containers = item.spec["template"]["spec"].get("containers") or ()
    return DaemonSet(
        WorkloadKey(item.metadata.namespace, "apps", "DaemonSet", item.metadata.name),
        item.status.desired_number_scheduled,
        item.status.number_ready,
        tuple(_tag(container.get("image", "")) for container in containers),
        tuple(word for c in containers for field in ("command", "args") for word in c.get(field) or ()),
    )


def _operator(deployment: Raw) -> Operator:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    ready = (deployment.get("status") or {}).get("readyReplicas", 0)
    return Operator(_tag(containers[0].get("image", "")), deployment["spec"].get("replicas", 1), ready)


def _lease(lease: Raw) -> Lease:
    spec = lease.get("spec") or {}
    renewed = datetime.fromisoformat(spec["renewTime"]) if spec.get("renewTime") else datetime.min.replace(tzinfo=UTC)
    age = (datetime.now(UTC) - renewed).total_seconds()
    return Lease(spec.get("holderIdentity") or "", age, float(spec.get("leaseDurationSeconds") or 0))


def _tag(image: str) -> str:
    """The tag of an image's name, empty where it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _numbers(ports: Any) -> tuple[tuple[Protocol, int], ...]:
    return tuple(sorted({(port.get("protocol") or "TCP", port["port"]) for port in ports}))


def _name(graph: Raw) -> str:
    return f"{graph['metadata']['namespace']}/{graph['metadata']['name']}"


def _uses_range(value: Any) -> bool:
    """Whether an entry of a graph names a range of ports."""
    match value:
        case dict():
            ports = value.get("ports") or ()
            own = any(isinstance(port, str) and port.partition("-")[0].isdigit() and "-" in port for port in ports)
            return own or any(map(_uses_range, value.values()))
        case list():
            return any(map(_uses_range, value))
    return False


def _uses_name(value: Any) -> bool:
    match value:
        case dict():
            return "fqdn" in value or any(map(_uses_name, value.values()))
        case list():
            return any(map(_uses_name, value))
    return False
