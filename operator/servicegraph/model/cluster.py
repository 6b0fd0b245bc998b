"""What the compiler knows of a cluster: Services, workloads, namespaces and addresses, read only.

Only the fields that decide something are kept, so that a change elsewhere in an object is no change.
"""

from collections.abc import Mapping

import msgspec

from servicegraph.model.ports import Protocol
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey
from servicegraph.model.selectors import Selector

GENERATED_LABELS = frozenset(
    (
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    )
)
"""Labels that controllers put on pods and that differ between pods, runs or versions of one workload.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""


class ServicePort(msgspec.Struct, frozen=True, gc=False):
    """A port of a Service. `target` is the number or name of a pod port (targetPort, by default the port)."""

    port: int
    target: int | str
    protocol: Protocol = "TCP"
    name: str | None = None


class Service(msgspec.Struct, frozen=True):
    """A core/v1 Service. `selector` is None where it has none: others say its addresses.

    `hides_sources` where traffic from outside may reach its pods from a node's address: a NodePort or LoadBalancer
    with externalTrafficPolicy Cluster (https://kubernetes.io/docs/tutorials/services/source-ip/).
    """

    key: ServiceKey
    selector: Selector | None
    ports: tuple[ServicePort, ...] = ()
    headless: bool = False
    external_name: str | None = None
    hides_sources: bool = False


class ContainerPort(msgspec.Struct, frozen=True, gc=False):
    """A port that a container says it listens on."""

    number: int
    protocol: Protocol = "TCP"
    name: str | None = None


class Workload(msgspec.Struct, frozen=True):
    """What makes pods: their labels, ports and whether they leave the pod network.

    `selector` is what the workload's pods have in common for good (R19): spec.selector, or the template's
    labels less generated ones for Jobs and CronJobs. `template_labels` is None for kinds whose template
    we do not read (a scale subresource tells a selector only).
    """

    key: WorkloadKey
    selector: Selector
    template_labels: Mapping[str, str] | None = None
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False


class Pod(msgspec.Struct, frozen=True):
    """A pod that runs or will run. Nothing is compiled from pods: they are ends that people ask about."""

    namespace: str
    name: str
    labels: Mapping[str, str] = {}
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False
    addresses: tuple[str, ...] = ()


class Namespace(msgspec.Struct, frozen=True):
    """A namespace and its labels."""

    name: str
    labels: Mapping[str, str] = {}


class EndpointSlice(msgspec.Struct, frozen=True):
    """A discovery.k8s.io/v1 EndpointSlice of a Service: addresses, and ports named after the Service's."""

    namespace: str
    name: str
    service: str
    addresses: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()


class Listening(msgspec.Struct, frozen=True, gc=False):
    """How the pods of a draining term were reached: the translation its policy was made with (R14).

    `services` are Service ports with the pod numbers they led to; `pods` are the pods' own ports.
    """

    services: tuple[tuple[ServicePort, int], ...] = ()
    pods: tuple[ContainerPort, ...] = ()


class DrainingTerm(msgspec.Struct, frozen=True, gc=False):
    """A selector a service had before, with pods that still need it: learnt by asking, part of the cluster."""

    service: ServiceKey
    selector: Selector
    listening: Listening


class Cluster(msgspec.Struct, frozen=True):
    """Everything known of a cluster at one moment, in any order.

    `incumbents` says which graph owns the live policy of a service that two graphs declare.
    """

    services: tuple[Service, ...] = ()
    workloads: tuple[Workload, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    endpoint_slices: tuple[EndpointSlice, ...] = ()
    node_addresses: tuple[str, ...] = ()
    draining: tuple[DrainingTerm, ...] = ()
    incumbents: tuple[tuple[ServiceKey, GraphKey], ...] = ()
