"""The pods of every service anybody names, resolved once and again when what was read differs."""

from collections import defaultdict
from collections.abc import Iterable

from servicegraph.compiler.changes import Changes
from servicegraph.compiler.graph import Declarations
from servicegraph.compiler.inventory import Inventory, pod_labels
from servicegraph.compiler.labels import unseen_labels
from servicegraph.compiler.subjects import Subject, resolve_subject
from servicegraph.compiler.termindex import TermIndex
from servicegraph.model.graph import DeclaredService, ServiceTerm, WorkloadTerm
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey


class SubjectTable:
    """Subjects by service, and what each of them was read from."""

    def __init__(self, inventory: Inventory, declarations: Declarations, profile: ClusterProfile) -> None:
        dns = profile.dns.service
        self._always = {ServiceKey(dns.namespace, dns.name)} if dns is not None else set()
        self._unseen = unseen_labels(profile.engine)
        self._inventory = inventory
        self._declarations = declarations
        self._subjects: dict[ServiceKey, Subject] = {}
        self._names: dict[ServiceKey, frozenset[ServiceKey]] = {}
        self._readers: dict[ServiceKey, set[ServiceKey]] = defaultdict(set)
        self._terms = TermIndex()

    def get(self, key: ServiceKey) -> Subject:
        """The subject of a service, resolved on first use."""
        found = self._subjects.get(key)
        return self._resolve(key) if found is None else found

    def reached_by(self, changes: Changes) -> set[ServiceKey]:
        """The subjects that read an object of these changes: by its name, or because they select its pods.

        Asked before and after the inventory takes the changes in: an object may leave one term for another.
        """
        names: set[ServiceKey] = set(changes.services)
        names |= {ServiceKey(k.namespace, k.name) for k in changes.workloads}
        for (namespace, _), endpoints in changes.endpoint_slices.items():
            if endpoints is not None:
                names.add(ServiceKey(namespace, endpoints.service))
        names |= {owner for place in changes.endpoint_slices if (owner := self._inventory.slice_owner(place))}
        reached = {reader for name in names for reader in self._readers.get(name, ())}
        reached |= changes.draining.keys()
        for key in changes.workloads:
            workload = self._inventory.workloads.get(key)
            if workload is not None:
                reached |= self._terms.matching(key.namespace, pod_labels(workload))
        return reached

    def refresh(self, keys: Iterable[ServiceKey]) -> set[ServiceKey]:
        """Resolve again what anybody asked for; those that differ. What nobody names any more is dropped."""
        moved = set()
        for key in keys:
            old = self._subjects.get(key)
            if old is None:
                continue
            if key not in self._always and not self._declarations.is_named(key):
                self._unlink(key)
                del self._subjects[key]
            elif self._resolve(key) != old:
                moved.add(key)
        return moved

    def _resolve(self, key: ServiceKey) -> Subject:
        declared = self._declarations.declared(key)
        subject = resolve_subject(key, declared, self._inventory, self._unseen)
        self._unlink(key)
        self._subjects[key] = subject
        self._names[key] = _names(key, declared)
        for name in self._names[key]:
            self._readers[name].add(key)
        for term in subject.terms:
            self._terms.add(key, term.selector)
        return subject

    def _unlink(self, key: ServiceKey) -> None:
        for name in self._names.pop(key, ()):
            self._readers[name].discard(key)
            if not self._readers[name]:
                del self._readers[name]
        old = self._subjects.get(key)
        for term in old.terms if old is not None else ():
            self._terms.discard(key, term.selector)


def _names(key: ServiceKey, declared: DeclaredService | None) -> frozenset[ServiceKey]:
    """The names of Services and workloads that decide what a service is."""
    names = {key}
    for source in declared.selects if declared is not None else ():
        if isinstance(source, ServiceTerm):
            names.add(ServiceKey(key.namespace, source.name))
        elif isinstance(source, WorkloadTerm):
            names.add(ServiceKey(source.key.namespace, source.key.name))
    return frozenset(names)
