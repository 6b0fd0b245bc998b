"""Label selectors in one canonical form, and the questions everyone asks of them.

Semantics: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
All requirements are ANDed; `NotIn` and `DoesNotExist` hold for objects without the key.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label with its name that the API server puts on every namespace."""


class Operator(StrEnum):
    """Operators of metav1.LabelSelectorRequirement."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(msgspec.Struct, frozen=True, order=True, gc=False):
    """One condition on one label key; `values` is sorted and holds nothing twice."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels meets the requirement."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None


class Selector(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A conjunction of requirements, sorted; with none it selects everything.

    Two selectors written differently but with the same requirements are equal: `matchLabels: {a: b}`
    is the requirement `a In (b)`.
    """

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, requirements: Iterable[Requirement]) -> "Selector":
        """The canonical selector of these requirements."""
        return cls(tuple(sorted(set(requirements))))

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> "Selector":
        """The selector that wants each of these labels."""
        return cls(tuple(Requirement(key, Operator.IN, (labels[key],)) for key in sorted(labels)))

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def labels(self) -> dict[str, str]:
        """The labels it pins to one value: what an index can look up."""
        return {r.key: r.values[0] for r in self.requirements if r.operator is Operator.IN and len(r.values) == 1}

    def both(self, other: "Selector") -> "Selector":
        """The selector of what both select."""
        return Selector.of(self.requirements + other.requirements)

    def without(self, keys: Iterable[str]) -> "Selector":
        """The selector less its requirements on these label keys: never narrower."""
        dropped = frozenset(keys)
        return Selector(tuple(r for r in self.requirements if r.key not in dropped))

    def to_dict(self) -> dict[str, Any]:
        """The metav1.LabelSelector of this selector, in canonical order."""
        labels = self.labels()
        rest = [r for r in self.requirements if r.operator is not Operator.IN or (r.values != (labels.get(r.key),))]
        selector: dict[str, Any] = {}
        if labels:
            selector["matchLabels"] = labels
        if rest:
            selector["matchExpressions"] = [
                {"key": r.key, "operator": r.operator.value, "values": list(r.values)}
                if r.values
                else {"key": r.key, "operator": r.operator.value}
                for r in rest
            ]
        return selector


EVERYTHING = Selector()


class _Possible:
    """What a conjunction of requirements leaves open for one key."""

    __slots__ = ("absent", "allowed", "excluded", "present")

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        self.allowed: set[str] | None = None
        self.excluded: set[str] = set()
        self.absent = self.present = False
        for requirement in requirements:
            match requirement.operator:
                case Operator.IN:
                    values = set(requirement.values)
                    self.allowed = values if self.allowed is None else self.allowed & values
                case Operator.NOT_IN:
                    self.excluded.update(requirement.values)
                case Operator.EXISTS:
                    self.present = True
                case Operator.DOES_NOT_EXIST:
                    self.absent = True
        if self.allowed is not None:
            self.present = True
            self.allowed -= self.excluded

    @property
    def satisfiable(self) -> bool:
        return not (self.absent and self.present) and self.allowed != set()

    def implies(self, requirement: Requirement) -> bool:
        wanted = set(requirement.values)
        match requirement.operator:
            case Operator.IN:
                return self.allowed is not None and self.allowed <= wanted
            case Operator.NOT_IN:
                if self.absent or wanted <= self.excluded:
                    return True
                return self.allowed is not None and not (self.allowed & wanted)
            case Operator.EXISTS:
                return self.present
            case Operator.DOES_NOT_EXIST:
                return self.absent


def _by_key(selector: Selector) -> dict[str, list[Requirement]]:
    grouped: dict[str, list[Requirement]] = {}
    for requirement in selector.requirements:
        grouped.setdefault(requirement.key, []).append(requirement)
    return grouped


@lru_cache(maxsize=65_536)
def satisfiable(selector: Selector) -> bool:
    """Whether some set of labels is selected."""
    return all(_Possible(requirements).satisfiable for requirements in _by_key(selector).values())


def overlap(one: Selector, other: Selector) -> bool:
    """Whether some set of labels is selected by both."""
    return satisfiable(one.both(other))


def implies(narrow: Selector, wide: Selector) -> bool:
    """Whether everything that `narrow` selects is selected by `wide`."""
    if not satisfiable(narrow):
        return True
    known = _by_key(narrow)
    return all(_Possible(known.get(r.key, ())).implies(r) for r in wide.requirements)


def from_label_selector(selector: Mapping[str, Any] | None) -> Selector:
    """Read a metav1.LabelSelector as it comes from JSON. A missing one reads as the empty one.

    Raises ValueError for an operator that the API does not have, and for values where it wants none.
    """
    if not selector:
        return EVERYTHING
    found = [Requirement(key, Operator.IN, (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = Operator(expression["operator"])
        values = tuple(sorted(set(expression.get("values") or ())))
        if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
            wanted = "at least one value" if not values else "no values"
            raise ValueError(f"the operator {operator.value} on {expression['key']!r} takes {wanted}")
        found.append(Requirement(expression["key"], operator, values))
    return Selector.of(found)
