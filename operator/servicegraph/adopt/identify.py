"""Which workload a flow's pods belong to: one of the manifests, else one made up from what the flow tells."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from servicegraph.adopt.flows import FlowEnd, FlowKey
from servicegraph.model.cluster import GENERATED_LABELS, Cluster, ContainerPort, Workload
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import Selector

_NAMES = ("app.kubernetes.io/name", "app", "k8s-app", "name")
_APPS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


def identify(flows: Iterable[FlowKey], cluster: Cluster) -> tuple[Mapping[FlowEnd, Workload], frozenset[WorkloadKey]]:
    """The workload of every end that is pods, and which of them no manifest tells of."""
    by_namespace: dict[str, list[Workload]] = defaultdict(list)
    for workload in cluster.workloads:
        by_namespace[workload.key.namespace].append(workload)
    found: dict[FlowEnd, Workload] = {}
    unknown: dict[WorkloadKey, list[FlowEnd]] = defaultdict(list)
    listens: dict[FlowEnd, set[ContainerPort]] = defaultdict(set)
    for flow in flows:
        listens[flow.destination].add(ContainerPort(flow.port, flow.protocol))
        for end in (flow.source, flow.destination):
            if end.is_pod and end not in found:
                known = _known(end, by_namespace[end.namespace])
                if known is not None:
                    found[end] = known
                elif end not in unknown[key := _key(end)]:
                    unknown[key].append(end)
    for key, ends in unknown.items():
        if ends:
            ports = {port for end in ends for port in listens[end]}
            found |= dict.fromkeys(ends, _made_up(key, ends, ports))
    return found, frozenset(key for key, ends in unknown.items() if ends)


def _known(end: FlowEnd, workloads: Iterable[Workload]) -> Workload | None:
    """The workload that the flow names, else the one that selects the pods."""
    labels = dict(end.labels)
    named = [w for w in workloads if (w.key.kind, w.key.name) == (end.kind, end.name)]
    selected = [w for w in workloads if w.selector.matches(labels)]
    return next(iter((*named, *sorted(selected, key=lambda w: w.key))), None)


def _key(end: FlowEnd) -> WorkloadKey:
    labels = dict(end.labels)
    name = end.name or next((labels[label] for label in _NAMES if label in labels), "pods")
    kind = end.kind or "Deployment"
    return WorkloadKey(end.namespace, "apps" if kind in _APPS else "batch", kind, name)


def _made_up(key: WorkloadKey, ends: list[FlowEnd], ports: Iterable[ContainerPort]) -> Workload:
    """A workload with the labels that all its pods have."""
    shared = set(ends[0].labels).intersection(*(end.labels for end in ends[1:]))
    labels = {name: value for name, value in sorted(shared) if name not in GENERATED_LABELS}
    listed = tuple(sorted(ports, key=lambda port: (port.number, port.protocol)))
    return Workload(key, Selector.from_labels(labels), labels, listed)
