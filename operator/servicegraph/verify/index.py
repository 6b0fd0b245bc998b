"""Selectors found by what they pin, so that asking which ones meet takes no look at all of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from servicegraph.model.selectors import Operator, Selector, overlap


class SelectorIndex:
    """A set of selectors. They are told apart by the label key of which they pin the most values."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        found = [(selector, selector.labels()) for selector in selectors]
        values = Counter(key for key, _ in {label for _, pinned in found for label in pinned.items()})
        self._key = max(values, key=lambda key: (values[key], key)) if values else ""
        self._pinned: dict[str, list[Selector]] = defaultdict(list)
        self._others: list[Selector] = []
        for selector, pinned in found:
            (self._pinned[pinned[self._key]] if self._key in pinned else self._others).append(selector)

    def overlapping(self, selector: Selector) -> Iterator[Selector]:
        """Those that some set of labels could match together with this one."""
        wanted = [r.values for r in selector.requirements if r.key == self._key and r.operator is Operator.IN]
        values = min(wanted, key=len) if wanted else tuple(self._pinned)
        for candidates in (*(self._pinned.get(value, ()) for value in values), self._others):
            for candidate in candidates:
                if overlap(selector, candidate):
                    yield candidate
