"""The kinds the compiler reads, and their objects as it knows them: for files and for the API server alike."""

from collections.abc import Mapping
from typing import Any

import msgspec

from servicegraph.model.addresses import canonical
from servicegraph.model.cluster import ContainerPort, EndpointSlice, Namespace, Pod, Service, ServicePort, Workload
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.selectors import Selector
from servicegraph.sources import wire, workloads
from servicegraph.sources.resources import Resource

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
BUILT_IN_MANAGER = "endpointslice-controller.k8s.io"
_ADDRESSES = ("IPv4", "IPv6")


class NodeAddresses(msgspec.Struct, frozen=True):
    """The InternalIPs of a node."""

    name: str
    addresses: tuple[str, ...] = ()


Object = Service | Workload | Namespace | EndpointSlice | NodeAddresses | Pod


def _namespace(name: str, found: wire.Namespace) -> Namespace:
    return Namespace(name, {"kubernetes.io/metadata.name": name} | found.metadata.labels)


def _node(name: str, found: wire.Node) -> NodeAddresses:
    internal = [_address(a.address) for a in found.status.addresses if a.type == "InternalIP"]
    return NodeAddresses(name, tuple(sorted({address for address in internal if address is not None})))


def _address(text: str) -> str | None:
    try:
        return canonical(text)
    except ValueError:
        return None


def _pod(key: tuple[str, str], found: wire.Pod) -> Pod:
    addresses = [_address(a.ip) for a in found.status.pod_ips]
    return Pod(
        *key,
        labels=found.metadata.labels,
        ports=workloads.container_ports(found.spec),
        host_network=found.spec.host_network,
        addresses=tuple(sorted({address for address in addresses if address is not None})),
    )


def _service(key: ServiceKey, found: wire.Service) -> Service:
    spec = found.spec
    external = spec.external_name if spec.type == "ExternalName" else None
    return Service(
        key=key,
        selector=Selector.from_labels(spec.selector) if spec.selector and external is None else None,
        ports=tuple(ServicePort(p.port, p.target_port or p.port, p.protocol, p.name or None) for p in spec.ports),
        headless=spec.cluster_ip == "None",
        external_name=external,
        hides_sources=spec.type in ("NodePort", "LoadBalancer") and spec.external_traffic_policy != "Local",
    )


def _endpoint_slice(key: tuple[str, str], found: wire.EndpointSlice) -> EndpointSlice | None:
    labels = found.metadata.labels
    service = labels.get(SERVICE_NAME_LABEL)
    if not service or found.address_type not in _ADDRESSES or labels.get(MANAGED_BY_LABEL) == BUILT_IN_MANAGER:
        return None
    addresses = {canonical(address) for endpoint in found.endpoints for address in endpoint.addresses}
    ports = {ContainerPort(p.port, p.protocol, p.name or None) for p in found.ports if p.port is not None}
    return EndpointSlice(
        *key,
        service=service,
        addresses=tuple(sorted(addresses)),
        ports=tuple(sorted(ports, key=lambda port: (port.number, port.protocol, port.name or ""))),
    )


def _workloads(
    group: str, version: str, kind: str, plural: str, translate: Any, shape: type[Any] = wire.Workload
) -> Resource[WorkloadKey, Workload]:
    def key(namespace: str, name: str) -> WorkloadKey:
        return WorkloadKey(namespace, group, kind, name)

    return Resource(group, version, kind, plural, shape, key, translate)


NAMESPACES: Resource[str, Namespace] = Resource(
    "", "v1", "Namespace", "namespaces", wire.Namespace, lambda _, name: name, _namespace, namespaced=False
)
NODES: Resource[str, NodeAddresses] = Resource(
    "", "v1", "Node", "nodes", wire.Node, lambda _, name: name, _node, namespaced=False
)
SERVICES: Resource[ServiceKey, Service] = Resource("", "v1", "Service", "services", wire.Service, ServiceKey, _service)
ENDPOINT_SLICES: Resource[tuple[str, str], EndpointSlice] = Resource(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
    wire.EndpointSlice,
    lambda namespace, name: (namespace, name),
    _endpoint_slice,
    label_selector=f"{MANAGED_BY_LABEL}!={BUILT_IN_MANAGER}",
)
WORKLOADS: tuple[Resource[WorkloadKey, Workload], ...] = (
    _workloads("apps", "v1", "Deployment", "deployments", workloads.replicated),
    _workloads("apps", "v1", "StatefulSet", "statefulsets", workloads.replicated),
    _workloads("apps", "v1", "DaemonSet", "daemonsets", workloads.replicated),
    _workloads("apps", "v1", "ReplicaSet", "replicasets", workloads.replica_set),
    _workloads("batch", "v1", "Job", "jobs", workloads.job),
    _workloads("batch", "v1", "CronJob", "cronjobs", workloads.cron_job, wire.CronJob),
)
PODS: Resource[tuple[str, str], Pod] = Resource(
    "", "v1", "Pod", "pods", wire.Pod, lambda namespace, name: (namespace, name), _pod
)
RESOURCES: tuple[Resource[Any, Any], ...] = (NAMESPACES, NODES, SERVICES, ENDPOINT_SLICES, *WORKLOADS, PODS)
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}


def decode(raw: Mapping[str, Any], namespace: str = "default") -> Object | None:
    """One object of a file, None for what the compiler does not read; `namespace` is for an object that names none.

    A kind of others counts as a workload where it has a label selector and a pod template, as Argo's Rollout has.
    Raises ValueError that says which object and which field is wrong.
    """
    api_version, kind = raw.get("apiVersion"), raw.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    resource = _BY_KIND.get((api_version, kind))
    if resource is None and _looks_like_workload(raw):
        group, _, version = api_version.rpartition("/")
        resource = _workloads(group, version, kind, "", workloads.replicated)
    found: Object | None = resource.decode(raw, namespace) if resource else None
    return found


def key_of(found: Object) -> ServiceKey | WorkloadKey | tuple[str, str] | str:
    """The key under which the compiler knows an object."""
    match found:
        case Service() | Workload():
            return found.key
        case EndpointSlice() | Pod():
            return (found.namespace, found.name)
        case _:
            return found.name


def _looks_like_workload(raw: Mapping[str, Any]) -> bool:
    spec = _mapping(raw.get("spec"))
    selector, pod = _mapping(spec.get("selector")), _mapping(_mapping(spec.get("template")).get("spec"))
    return "containers" in pod and ("matchLabels" in selector or "matchExpressions" in selector)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
