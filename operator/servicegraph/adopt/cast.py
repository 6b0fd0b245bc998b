"""Who takes part in observed flows: the services of graphs, the other parts of an application, hosts outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from servicegraph.adopt.flows import FlowEnd, FlowKey
from servicegraph.adopt.identify import identify
from servicegraph.adopt.parts import Part, parts, selects
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Cluster, Service, Workload
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.selectors import Selector

Terms = Mapping[ServiceKey, Sequence[Selector]]
"""The selectors of each service that a graph declares."""


class Cast:
    """Everybody, with the part that each end of a flow is."""

    def __init__(self, flows: Iterable[FlowKey], terms: Terms, cluster: Cluster) -> None:
        self._workloads, unknown = identify(flows, cluster)
        made_up = {w.key: w for w in self._workloads.values() if w.key in unknown}
        workloads = (*cluster.workloads, *made_up.values())
        self.services: Mapping[ServiceKey, Service] = {service.key: service for service in cluster.services}
        self.declared = terms
        self.parts = list(_parts(msgspec.structs.replace(cluster, workloads=workloads), terms, unknown))
        self._part_of = {workload.key: part for part in self.parts for workload in part.workloads}

    def workload(self, end: FlowEnd) -> Workload | None:
        """The workload of an end that is pods."""
        return self._workloads.get(end)

    def part(self, end: FlowEnd) -> Part | None:
        """The part that an end is; None for what is no pod."""
        workload = self._workloads.get(end)
        return self._part_of.get(workload.key) if workload else None

    def title(self, end: FlowEnd) -> str:
        """What people call an end."""
        if (part := self.part(end)) is not None:
            return str(part.key)
        if end.entity == "world":
            return end.host or "further addresses"
        return f"{end.entity} {end.host}".strip()


def _parts(cluster: Cluster, terms: Terms, unknown: frozenset[WorkloadKey]) -> Iterator[Part]:
    """The declared services first. The rest is to be drafted where there is no graph at all, else it is others'."""
    taken: set[WorkloadKey] = set()
    for key, selectors in sorted(terms.items()):
        part = _declared(key, selectors, cluster, taken)
        taken |= {workload.key for workload in part.workloads}
        yield part
    rest = [workload for workload in cluster.workloads if workload.key not in taken]
    before = [s for s in cluster.services if not any(selects(s, w) for w in cluster.workloads if w.key in taken)]
    left = msgspec.structs.replace(cluster, workloads=tuple(rest), services=tuple(before))
    for part in parts(left, lambda key: key):
        yield msgspec.structs.replace(_explained(part, unknown), drafted=not terms)


def _declared(key: ServiceKey, selectors: Sequence[Selector], cluster: Cluster, taken: set[WorkloadKey]) -> Part:
    workloads = [
        w
        for w in cluster.workloads
        if w.key.namespace == key.namespace
        and w.key not in taken
        and any(selector.matches(pod_labels(w)) for selector in selectors)
    ]
    services = [s for s in cluster.services if any(selects(s, w) for w in workloads)]
    own = [s for s in services if s.selector in selectors]
    return Part(key, (), tuple(workloads), tuple(services), tuple(own))


def _explained(part: Part, unknown: frozenset[WorkloadKey]) -> Part:
    """A part with its labels and ports spelled out, where no manifest tells them."""
    if part.own or not any(workload.key in unknown for workload in part.workloads):
        return part
    terms = [{"labels": workload.selector.labels()} for workload in part.workloads]
    listens = sorted({(p.number, p.protocol) for workload in part.workloads for p in workload.ports})
    return msgspec.structs.replace(part, selects=tuple(terms), listens=tuple(listens))
