"""Selector terms of services, found by the labels they pin."""

from collections import defaultdict
from collections.abc import Mapping

from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector, overlap

Item = tuple[ServiceKey, Selector]


class _Namespace:
    """The terms of one namespace. Those that do more than pin labels are `unsure`: their labels do not tell all."""

    def __init__(self) -> None:
        self.by_label: dict[tuple[str, str], set[Item]] = defaultdict(set)
        self.by_key: dict[str, set[Item]] = defaultdict(set)
        self.unpinned: set[Item] = set()
        self.unsure: set[Item] = set()
        self.all: set[Item] = set()


class TermIndex:
    """The terms of every namespace."""

    def __init__(self) -> None:
        self._namespaces: dict[str, _Namespace] = defaultdict(_Namespace)

    def add(self, service: ServiceKey, selector: Selector) -> None:
        """Take a term in."""
        here = self._namespaces[service.namespace]
        item = (service, selector)
        here.all.add(item)
        pinned = selector.labels()
        for label in pinned.items():
            here.by_label[label].add(item)
            here.by_key[label[0]].add(item)
        if not pinned:
            here.unpinned.add(item)
        if len(pinned) < len(selector.requirements):
            here.unsure.add(item)

    def discard(self, service: ServiceKey, selector: Selector) -> None:
        """Take a term out."""
        here = self._namespaces[service.namespace]
        item = (service, selector)
        here.all.discard(item)
        here.unpinned.discard(item)
        here.unsure.discard(item)
        for label in selector.labels().items():
            here.by_label[label].discard(item)
            here.by_key[label[0]].discard(item)

    def matching(self, namespace: str, labels: Mapping[str, str]) -> set[ServiceKey]:
        """The services with a term that selects pods with these labels."""
        here = self._namespaces.get(namespace)
        if here is None:
            return set()
        candidates = set(here.unpinned)
        for label in labels.items():
            candidates |= here.by_label.get(label, set())
        return {service for service, selector in candidates if selector.matches(labels)}

    def overlapping(self, namespace: str, selector: Selector) -> set[Item]:
        """The terms that some set of labels could match together with a selector, itself included where it is one."""
        here = self._namespaces[namespace]
        pinned = selector.labels()
        found = here.all
        if pinned:
            key = max(pinned, key=lambda k: len(here.by_key[k]))
            found = here.by_label[(key, pinned[key])]
            if len(here.by_key[key]) < len(here.all):
                found = found | (here.all - here.by_key[key])
        for label in pinned.items():
            found = found - ((found & here.by_key[label[0]]) - here.by_label[label])
        if len(pinned) < len(selector.requirements):
            return {item for item in found if overlap(selector, item[1])}
        return (found - here.unsure) | {item for item in found & here.unsure if overlap(selector, item[1])}
