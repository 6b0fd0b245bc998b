"""The parts of Kubernetes objects that the compiler reads, as they stand on the wire.

Whatever is not named here is skipped while decoding, so that a change elsewhere in an object is no change.
Field names and defaults: https://kubernetes.io/docs/reference/kubernetes-api/.
"""

from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import msgspec

from servicegraph.model.ports import Protocol

T = TypeVar("T")

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    pass


class Metadata(_Wire, frozen=True):
    """ObjectMeta: what names an object and its state."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    resource_version: str = ""


class LabelledMetadata(Metadata, frozen=True):
    """ObjectMeta of kinds whose labels matter."""

    labels: dict[str, str] = {}


class OwnerReference(_Wire, frozen=True):
    """metav1.OwnerReference."""

    kind: str = ""
    controller: bool = False


class OwnedMetadata(Metadata, frozen=True):
    """ObjectMeta of kinds that others create."""

    owner_references: tuple[OwnerReference, ...] = ()


class SelectorRequirement(TypedDict):
    """metav1.LabelSelectorRequirement."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: NotRequired[list[str]]


class LabelSelector(TypedDict, total=False):
    """metav1.LabelSelector."""

    matchLabels: dict[str, str]
    matchExpressions: list[SelectorRequirement]


class Namespace(_Wire, frozen=True):
    """core/v1 Namespace."""

    metadata: LabelledMetadata


class ServicePort(_Wire, frozen=True):
    """core/v1 ServicePort."""

    port: Port
    name: str = ""
    protocol: Protocol = "TCP"
    target_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | str = 0


class ServiceSpec(_Wire, frozen=True):
    """core/v1 ServiceSpec."""

    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    external_name: str = ""
    external_traffic_policy: str = "Cluster"


class Service(_Wire, frozen=True):
    """core/v1 Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class NodeAddress(_Wire, frozen=True):
    """core/v1 NodeAddress."""

    type: str
    address: str


class NodeStatus(_Wire, frozen=True):
    """core/v1 NodeStatus."""

    addresses: tuple[NodeAddress, ...] = ()


class Node(_Wire, frozen=True):
    """core/v1 Node."""

    metadata: Metadata
    status: NodeStatus = NodeStatus()


class ContainerPort(_Wire, frozen=True):
    """core/v1 ContainerPort."""

    container_port: Port
    name: str = ""
    protocol: Protocol = "TCP"


class Container(_Wire, frozen=True):
    """core/v1 Container; `restart_policy` Always marks an init container that keeps running (a sidecar)."""

    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""


class PodSpec(_Wire, frozen=True):
    """core/v1 PodSpec."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    host_network: bool = False


class PodAddress(_Wire, frozen=True):
    """core/v1 PodIP."""

    ip: str = ""


class PodStatus(_Wire, frozen=True):
    """core/v1 PodStatus."""

    pod_ips: tuple[PodAddress, ...] = msgspec.field(default=(), name="podIPs")


class Pod(_Wire, frozen=True):
    """core/v1 Pod."""

    metadata: LabelledMetadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class TemplateMetadata(_Wire, frozen=True):
    """ObjectMeta of a pod template."""

    labels: dict[str, str] = {}


class PodTemplate(_Wire, frozen=True):
    """core/v1 PodTemplateSpec."""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()


class WorkloadSpec(_Wire, frozen=True):
    """The spec of apps/v1 kinds, of batch/v1 Jobs, and of kinds made like them."""

    template: PodTemplate = PodTemplate()
    selector: LabelSelector = {}
    replicas: int = 1


class Workload(_Wire, frozen=True):
    """An object with a pod template."""

    metadata: OwnedMetadata
    spec: WorkloadSpec = WorkloadSpec()


class JobTemplate(_Wire, frozen=True):
    """batch/v1 JobTemplateSpec."""

    spec: WorkloadSpec = WorkloadSpec()


class CronJobSpec(_Wire, frozen=True):
    """batch/v1 CronJobSpec."""

    job_template: JobTemplate = JobTemplate()


class CronJob(_Wire, frozen=True):
    """batch/v1 CronJob."""

    metadata: Metadata
    spec: CronJobSpec = CronJobSpec()


class EndpointPort(_Wire, frozen=True):
    """discovery.k8s.io/v1 EndpointPort; without a port it stands for every port."""

    name: str = ""
    port: Port | None = None
    protocol: Protocol = "TCP"


class Endpoint(_Wire, frozen=True):
    """discovery.k8s.io/v1 Endpoint."""

    addresses: tuple[str, ...] = ()


class EndpointSlice(_Wire, frozen=True):
    """discovery.k8s.io/v1 EndpointSlice."""

    metadata: LabelledMetadata
    address_type: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class ListMetadata(_Wire, frozen=True):
    """metav1.ListMeta."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(_Wire, Generic[T], frozen=True):
    """A page of a list."""

    metadata: ListMetadata
    items: list[T]


class WatchEvent(_Wire, frozen=True):
    """metav1.WatchEvent; the type says how to decode the object."""

    type: str
    object: msgspec.Raw


class Bookmark(_Wire, frozen=True):
    """The object of a BOOKMARK event."""

    metadata: Metadata


class Status(_Wire, frozen=True):
    """metav1.Status: the answer of a refused request, and the object of an ERROR event."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: dict[str, Any] = {}
