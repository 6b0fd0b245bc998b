"""What makes pods, as the compiler knows it (R19)."""

from servicegraph.model.cluster import GENERATED_LABELS, ContainerPort, Workload
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import Selector, from_label_selector
from servicegraph.sources import wire


def replicated(key: WorkloadKey, found: wire.Workload) -> Workload:
    """A kind whose own selector says which pods are its."""
    return _workload(key, from_label_selector(found.spec.selector), found.spec.template)


def replica_set(key: WorkloadKey, found: wire.Workload) -> Workload | None:
    """A ReplicaSet that stands for itself, or for a controller of a kind that nobody watches, while it has pods.

    Those of a Deployment repeat it.
    """
    owner = next((o for o in found.metadata.owner_references if o.controller), None)
    if owner is not None and (owner.kind == "Deployment" or not found.spec.replicas):
        return None
    return replicated(key, found)


def job(key: WorkloadKey, found: wire.Workload) -> Workload | None:
    """A Job, unless it repeats its CronJob."""
    if any(o.controller and o.kind == "CronJob" for o in found.metadata.owner_references):
        return None
    return _templated(key, found.spec.template)


def cron_job(key: WorkloadKey, found: wire.CronJob) -> Workload:
    """A CronJob, for the pods of all its Jobs."""
    return _templated(key, found.spec.job_template.spec.template)


def _templated(key: WorkloadKey, template: wire.PodTemplate) -> Workload:
    labels = template.metadata.labels
    stable = {label: value for label, value in labels.items() if label not in GENERATED_LABELS}
    return _workload(key, Selector.from_labels(stable), template)


def container_ports(pod: wire.PodSpec) -> tuple[ContainerPort, ...]:
    """What the containers of a pod say they listen on, restartable init containers included."""
    running = (*pod.containers, *(c for c in pod.init_containers if c.restart_policy == "Always"))
    ports = {ContainerPort(p.container_port, p.protocol, p.name or None) for c in running for p in c.ports}
    return tuple(sorted(ports, key=lambda port: (port.number, port.protocol, port.name or "")))


def _workload(key: WorkloadKey, selector: Selector, template: wire.PodTemplate) -> Workload:
    pod = template.spec
    return Workload(
        key=key,
        selector=selector,
        template_labels=template.metadata.labels,
        ports=container_ports(pod),
        host_network=pod.host_network,
    )
