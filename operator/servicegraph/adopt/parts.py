"""The parts of an application: which of its Services and workloads are one service of a graph."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import msgspec

from servicegraph.compiler.inventory import Inventory, everything, pod_labels
from servicegraph.model.cluster import Cluster, Service, Workload
from servicegraph.model.ports import Protocol
from servicegraph.model.refs import ServiceKey, WorkloadKey


class Part(msgspec.Struct, frozen=True):
    """A service of a graph to be.

    `selects` is empty where the default does. `services` are those that select its pods, `own` those of them through
    which its ports are read: a call on any other names ports of its pods. `listens` are ports that no manifest tells.
    One that is not `drafted` is in no graph.
    """

    key: ServiceKey
    selects: tuple[Mapping[str, Any], ...]
    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    own: tuple[Service, ...]
    listens: tuple[tuple[int, Protocol], ...] = ()
    drafted: bool = True

    @property
    def is_stranger(self) -> bool:
        """Whether neither a manifest nor a graph tells of it, so that only its pods can be named."""
        return not self.drafted and any("labels" in term for term in self.selects)

    @property
    def fields(self) -> dict[str, Any]:
        """What a graph says of it beside its entries."""
        selects = {"selects": [dict(term) for term in self.selects]} if self.selects else {}
        ports = [{"port": number, "protocol": protocol} for number, protocol in self.listens]
        return selects | ({"ports": ports} if ports else {})


def parts(cluster: Cluster, behaves: Callable[[WorkloadKey], Hashable]) -> list[Part]:
    """Every part, by namespace and name.

    Workloads behind the same Services are one part where they behave alike, else each is one of its own.
    """
    behind: dict[ServiceKey, frozenset[WorkloadKey]] = {}
    before: dict[WorkloadKey, set[ServiceKey]] = {workload.key: set() for workload in cluster.workloads}
    services = {service.key: service for service in cluster.services if service.selector is not None}
    inventory = Inventory()
    inventory.apply(everything(cluster))
    for key, service in services.items():
        selected = inventory.matching(key.namespace, service.selector) if service.selector else []
        behind[key] = frozenset(workload.key for workload in selected)
        for workload_key in behind[key]:
            before[workload_key].add(key)
    together: dict[tuple[frozenset[ServiceKey], str], list[Workload]] = defaultdict(list)
    for workload in sorted(cluster.workloads, key=lambda w: w.key):
        ways = frozenset(before[workload.key])
        together[ways, "" if ways else str(workload.key)].append(workload)
    found: list[Part] = []
    for (ways, _), members in together.items():
        keys = frozenset(workload.key for workload in members)
        own = [services[key] for key in sorted(ways, key=_shortest) if behind[key] == keys]
        alike = len({behaves(workload.key) for workload in members}) == 1
        reached = tuple(services[key] for key in sorted(ways))
        if own and alike:
            found.append(_of_services(own, members, reached))
        else:
            found += [_of_workload(workload, reached, services, cluster) for workload in members]
    found += [_of_services([services[key]], [], (services[key],)) for key in sorted(behind) if not behind[key]]
    return sorted(found, key=lambda part: part.key)


def _of_services(own: list[Service], members: list[Workload], reached: tuple[Service, ...]) -> Part:
    selects = tuple({"service": service.key.name} for service in own) if len(own) > 1 else ()
    return Part(own[0].key, selects, tuple(members), reached, tuple(own))


def _of_workload(
    workload: Workload, reached: tuple[Service, ...], services: Mapping[ServiceKey, Service], cluster: Cluster
) -> Part:
    """A workload by itself; it is named otherwise where its name is somebody else's."""
    key = ServiceKey(workload.key.namespace, workload.key.name)
    namesakes = [w for w in cluster.workloads if ServiceKey(w.key.namespace, w.key.name) == key]
    namesake = services.get(key)
    if namesake is None and len(namesakes) == 1:
        return Part(key, (), (workload,), reached, ())
    if len(namesakes) > 1 or (namesake is not None and namesake not in reached):
        key = ServiceKey(key.namespace, f"{key.name}-{workload.key.kind.lower()}")
        namesake = None
    group = {"apiVersion": f"{workload.key.group}/v1"} if workload.key.group not in ("apps", "batch") else {}
    select = {"workload": {**group, "kind": workload.key.kind, "name": workload.key.name}}
    return Part(key, (select,), (workload,), reached, (namesake,) if namesake else ())


def selects(service: Service, workload: Workload) -> bool:
    """Whether the pods of a workload are behind a Service."""
    here = service.key.namespace == workload.key.namespace
    return here and service.selector is not None and service.selector.matches(pod_labels(workload))


def _shortest(key: ServiceKey) -> tuple[int, str]:
    return len(key.name), key.name
