"""Services whose selectors meet: policies add up, so such services widen each other (R9)."""

from collections import defaultdict
from heapq import nsmallest

from servicegraph.compiler.inventory import Inventory, pod_labels
from servicegraph.compiler.termindex import TermIndex
from servicegraph.compiler.terms import Finding
from servicegraph.model.cluster import Workload
from servicegraph.model.problems import Code, Severity
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.model.selectors import Selector

_SHOWN = 3


class Overlaps:
    """Which services share workloads now, and which could."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._terms = TermIndex()
        self._selectors: dict[ServiceKey, tuple[Selector, ...]] = {}
        self._owners: dict[WorkloadKey, frozenset[ServiceKey]] = {}
        self._shared: dict[ServiceKey, set[WorkloadKey]] = defaultdict(set)

    def set_terms(self, service: ServiceKey, selectors: tuple[Selector, ...]) -> set[ServiceKey]:
        """Give a service its terms; the services whose overlaps may differ now."""
        old = self._selectors.pop(service, ())
        if selectors:
            self._selectors[service] = selectors
        if old == selectors:
            return set()
        affected = {service}
        for selector in old:
            self._terms.discard(service, selector)
            affected |= self._possible(selector, service)
        for selector in selectors:
            self._terms.add(service, selector)
            affected |= self._possible(selector, service)
        for selector in {*old, *selectors}:
            for workload in self._inventory.matching(service.namespace, selector):
                affected |= self.set_workload(workload.key, workload)
        return affected

    def set_workload(self, key: WorkloadKey, workload: Workload | None) -> set[ServiceKey]:
        """Take a workload in, or out; the services whose overlaps may differ now."""
        before = self._owners.pop(key, frozenset())
        after = (
            frozenset()
            if workload is None or workload.host_network
            else frozenset(self._terms.matching(key.namespace, pod_labels(workload)))
        )
        if after:
            self._owners[key] = after
        for service in before:
            self._shared[service].discard(key)
        if len(after) > 1:
            for service in after:
                self._shared[service].add(key)
        return set(before | after) if before != after else set()

    def findings(self, service: ServiceKey) -> list[Finding]:
        """What is to be told about a service."""
        shared: dict[ServiceKey, WorkloadKey] = {}
        for key in sorted(self._shared.get(service, ())):
            for other in self._owners[key] - {service}:
                shared.setdefault(other, key)
        found = [
            Finding(
                Code.SELECTOR_OVERLAP,
                Severity.WARNING,
                f"{service.name} and {other.name} both select the pods of {workload}: what either may do, those pods "
                "may; tell them apart by labels",
            )
            for other, workload in sorted(shared.items())
        ]
        possible = self.meeting(service) - shared.keys()
        if possible:
            names = ", ".join(other.name for other in nsmallest(_SHOWN, possible))
            more = f" and {len(possible) - _SHOWN} more" if len(possible) > _SHOWN else ""
            message = (
                f"a pod could carry the labels of {service.name} and of {names}{more}: it would have the calls of both"
            )
            found.append(Finding(Code.POSSIBLE_OVERLAP, Severity.INFO, message))
        return found

    def meeting(self, service: ServiceKey) -> set[ServiceKey]:
        """The other services whose terms could match a pod of this one."""
        found: set[ServiceKey] = set()
        for selector in self._selectors.get(service, ()):
            found |= self._possible(selector, service)
        return found

    def _possible(self, selector: Selector, service: ServiceKey) -> set[ServiceKey]:
        found = {other for other, _ in self._terms.overlapping(service.namespace, selector)}
        return found - {service}
