"""The cluster's objects, indexed by the questions the compiler asks of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from servicegraph.compiler.changes import Changes
from servicegraph.model.cluster import Cluster, DrainingTerm, EndpointSlice, Namespace, Service, Workload
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.selectors import NAMESPACE_LABEL, Selector

K = TypeVar("K")
V = TypeVar("V")


def pod_labels(workload: Workload) -> Mapping[str, str]:
    """The labels of a workload's pods; where only its selector is known, those it pins."""
    return workload.selector.labels() if workload.template_labels is None else workload.template_labels


class Inventory:
    """What is known of the cluster now. Absence of an object means that nobody supplied it."""

    def __init__(self) -> None:
        self.services: dict[ServiceKey, Service] = {}
        self.workloads: dict[WorkloadKey, Workload] = {}
        self.namespaces: dict[str, Namespace] = {}
        self.draining: dict[ServiceKey, tuple[DrainingTerm, ...]] = {}
        self.node_addresses: tuple[str, ...] = ()
        self._slices: dict[ServiceKey, dict[str, EndpointSlice]] = defaultdict(dict)
        self._slice_owner: dict[tuple[str, str], ServiceKey] = {}
        self._named: dict[ServiceKey, set[WorkloadKey]] = defaultdict(set)
        self._labelled: dict[str, dict[tuple[str, str], set[WorkloadKey]]] = defaultdict(lambda: defaultdict(set))
        self._in_namespace: dict[str, set[WorkloadKey]] = defaultdict(set)

    def apply(self, changes: Changes) -> None:
        """Take the changes in."""
        for key, service in changes.services.items():
            _put(self.services, key, service)
        for workload_key, workload in changes.workloads.items():
            self._put_workload(workload_key, workload)
        for name, namespace in changes.namespaces.items():
            _put(self.namespaces, name, namespace)
        for place, endpoints in changes.endpoint_slices.items():
            self._put_slice(place, endpoints)
        for key, terms in changes.draining.items():
            _put(self.draining, key, tuple(sorted(set(terms), key=msgspec.json.encode)) or None)
        if changes.node_addresses is not None:
            self.node_addresses = changes.node_addresses

    def slices(self, key: ServiceKey) -> list[EndpointSlice]:
        """The EndpointSlices of a Service, by name."""
        found = self._slices.get(key, {})
        return [found[name] for name in sorted(found)]

    def slice_owner(self, place: tuple[str, str]) -> ServiceKey | None:
        """The Service that an EndpointSlice belongs to, by the slice's namespace and name."""
        return self._slice_owner.get(place)

    def named(self, key: ServiceKey) -> list[Workload]:
        """The workloads of a name, whatever their kind."""
        return [self.workloads[k] for k in sorted(self._named.get(key, ()))]

    def matching(self, namespace: str, selector: Selector) -> list[Workload]:
        """The workloads of a namespace whose pods a selector selects, in a stable order."""
        index = self._labelled.get(namespace)
        if index is None:
            return []
        pinned = selector.labels()
        if pinned:
            candidates = min((index.get(item, set()) for item in pinned.items()), key=len)
        else:
            candidates = self._in_namespace[namespace]
        return [self.workloads[k] for k in sorted(candidates) if selector.matches(pod_labels(self.workloads[k]))]

    def namespaces_matching(self, selector: Selector) -> Iterator[str]:
        """The known namespaces that a selector selects, by name.

        `kubernetes.io/metadata.name` is implied, and a namespace that only objects name exists with that label.
        """
        pinned = selector.labels().get(NAMESPACE_LABEL)
        names = {pinned} if pinned else self.namespaces.keys() | self._in_namespace.keys()
        for name in sorted(names):
            known = self.namespaces.get(name)
            labels = {**(known.labels if known else {}), NAMESPACE_LABEL: name}
            if selector.matches(labels):
                yield name

    def _put_workload(self, key: WorkloadKey, workload: Workload | None) -> None:
        by_label = self._labelled[key.namespace]
        old = self.workloads.pop(key, None)
        name = ServiceKey(key.namespace, key.name)
        if old is not None:
            self._named[name].discard(key)
            self._in_namespace[key.namespace].discard(key)
            for item in pod_labels(old).items():
                by_label[item].discard(key)
        if workload is not None:
            self.workloads[key] = workload
            self._named[name].add(key)
            self._in_namespace[key.namespace].add(key)
            for item in pod_labels(workload).items():
                by_label[item].add(key)

    def _put_slice(self, place: tuple[str, str], endpoints: EndpointSlice | None) -> None:
        namespace, name = place
        owner = self._slice_owner.pop(place, None)
        if owner is not None:
            self._slices[owner].pop(name, None)
        if endpoints is not None:
            owner = ServiceKey(namespace, endpoints.service)
            self._slice_owner[place] = owner
            self._slices[owner][name] = endpoints


def everything(cluster: Cluster) -> Changes:
    """The whole cluster as one set of changes."""
    draining: dict[ServiceKey, list[DrainingTerm]] = defaultdict(list)
    for term in cluster.draining:
        draining[term.service].append(term)
    return Changes(
        services={service.key: service for service in cluster.services},
        workloads={workload.key: workload for workload in cluster.workloads},
        namespaces={namespace.name: namespace for namespace in cluster.namespaces},
        endpoint_slices={(s.namespace, s.name): s for s in cluster.endpoint_slices},
        node_addresses=tuple(sorted(cluster.node_addresses)),
        draining={key: tuple(terms) for key, terms in draining.items()},
        incumbents=dict(cluster.incumbents),
    )


def _put(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
