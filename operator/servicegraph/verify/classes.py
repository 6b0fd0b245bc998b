"""Classes of pods: sets of pods told apart by the selectors that occur, not by the inventory.

A class is a conjunction of requirements on the labels of a pod and of its namespace. Requirements on the namespace
stand in the same selector under keys that no label can have, so that both are one algebra.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from servicegraph.model.policy import PodPeer
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Requirement, Selector, satisfiable

_NAMESPACE = "namespace:"
_NAME = _NAMESPACE + NAMESPACE_LABEL
_NOT = {
    Operator.IN: Operator.NOT_IN,
    Operator.NOT_IN: Operator.IN,
    Operator.EXISTS: Operator.DOES_NOT_EXIST,
    Operator.DOES_NOT_EXIST: Operator.EXISTS,
}

_MANY = 16
_FREE = 8
_UNNAMED = "/"
"""No label has this value."""

Possible = Callable[[Selector], bool]


@lru_cache(maxsize=65_536)
def of_peer(peer: PodPeer, own: str) -> Selector:
    """The pods of a peer in the policies of the namespace `own`."""
    inside = peer.namespaces if peer.namespaces is not None else Selector.from_labels({NAMESPACE_LABEL: own})
    qualified = tuple(Requirement(_NAMESPACE + r.key, r.operator, r.values) for r in inside.requirements)
    return meet(peer.pods, Selector.of(qualified))


def to_peer(pods: Selector, own: str) -> PodPeer:
    """The class as a peer in the policies of the namespace `own`, in as few words as possible."""
    found = simplest(pods)
    inside = Selector.of(
        Requirement(r.key.removeprefix(_NAMESPACE), r.operator, r.values)
        for r in found.requirements
        if r.key.startswith(_NAMESPACE)
    )
    outside = Selector(tuple(r for r in found.requirements if not r.key.startswith(_NAMESPACE)))
    return PodPeer(outside, None if inside.labels() == {NAMESPACE_LABEL: own} else inside)


def simplest(pods: Selector) -> Selector:
    """The same pods with requirements that others imply left out."""
    kept = list(pods.requirements)
    for requirement in pods.requirements:
        rest = [r for r in kept if r is not requirement]
        if not satisfiable(Selector.of([*rest, _negated(requirement)])):
            kept = rest
    return Selector.of(kept)


def less(pods: Selector, other: Selector, possible: Possible = satisfiable) -> Iterator[Selector]:
    """The pods of one class that are not of another, as classes that share none."""
    if not possible(meet(pods, other)):
        yield pods
        return
    for requirement in other.requirements:
        piece = meet(pods, Selector((_negated(requirement),)))
        if possible(piece):
            yield piece
        pods = meet(pods, Selector((requirement,)))


class TangledError(Exception):
    """Selectors that overlap so much that nobody can say in time which pods there can be.

    To find pods that match none of many selectors is to solve a satisfiability problem.
    """


class Steps:
    """Counts the dead ends of searches, and ends them when there were too many. The first of each search are free."""

    def __init__(self, most: int = 2_000) -> None:
        self._left = most

    def take(self, dead_ends: int) -> None:
        """A search has come to so many dead ends by now. Raises TangledError."""
        self._left -= dead_ends > _FREE
        if self._left < 0:
            raise TangledError


def outside(
    pods: Selector, others: Iterable[Selector], steps: Steps, namespaces: "Namespaces | None" = None
) -> Selector | None:
    """Some pods of a class that none of the others holds; None where they hold it all. Raises TangledError.

    Beside many others it may be the class itself, when some pods of it are outside. With `namespaces` the classes are
    those of peers.
    """
    others = list(others)
    if len(others) > _MANY:
        labels = _some(pods, namespaces)
        if labels is not None and not any(other.matches(labels) for other in others):
            return pods
    possible = namespaces.possible if namespaces is not None else satisfiable
    open_ends, dead_ends = [(pods, 0)], 0
    while open_ends:
        pods, number = open_ends.pop()
        while number < len(others):
            pieces = list(less(pods, others[number], possible))
            if not pieces:
                dead_ends += 1
                steps.take(dead_ends)
                break
            number += 1
            open_ends += [(piece, number) for piece in reversed(pieces[1:])]
            pods = pieces[0]
        else:
            return pods
    return None


def _some(pods: Selector, namespaces: "Namespaces | None") -> Mapping[str, str] | None:
    """Labels of a pod of a class: as few as possible, with values that no selector names."""
    labels: dict[str, str] = {}
    for requirement in pods.requirements:
        if requirement.operator is Operator.IN:
            labels[requirement.key] = requirement.values[0]
        elif requirement.operator is Operator.EXISTS:
            labels.setdefault(requirement.key, _UNNAMED)
    if namespaces is not None:
        labels |= namespaces.labels(labels.get(_NAME, _UNNAMED))
    return labels if pods.matches(labels) else None


@lru_cache(maxsize=65_536)
def meet(one: Selector, other: Selector) -> Selector:
    """The pods of both, what is said of one key in as few requirements as possible."""
    merged: dict[tuple[str, Operator], Requirement] = {}
    for requirement in one.requirements + other.requirements:
        place = (requirement.key, requirement.operator)
        known = merged.setdefault(place, requirement)
        if known is not requirement:
            values = set(known.values)
            values = values & {*requirement.values} if known.operator is Operator.IN else values | {*requirement.values}
            merged[place] = Requirement(*place, tuple(sorted(values)))
    return Selector(tuple(sorted(merged.values())))


def _negated(requirement: Requirement) -> Requirement:
    return Requirement(requirement.key, _NOT[requirement.operator], requirement.values)


class Namespaces:
    """What is known of namespaces. One that nobody described may have any labels beside its name."""

    def __init__(self, known: Mapping[str, Mapping[str, str]]) -> None:
        self._known = {name: {**labels, NAMESPACE_LABEL: name} for name, labels in known.items()}
        self._answers: dict[Selector, bool] = {}

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of a namespace as a class of pods sees them."""
        found = self._known.get(name, {NAMESPACE_LABEL: name})
        return {_NAMESPACE + key: value for key, value in found.items()}

    def possible(self, pods: Selector) -> bool:
        """Whether there can be such pods."""
        answer = self._answers.get(pods)
        if answer is None:
            answer = self._answers[pods] = satisfiable(pods) and self._somewhere(pods)
        return answer

    def _somewhere(self, pods: Selector) -> bool:
        inside = Selector(tuple(r for r in pods.requirements if r.key.startswith(_NAMESPACE)))
        named = [set(r.values) for r in inside.requirements if r.key == _NAME and r.operator is Operator.IN]
        if not named:
            return all(r.key != _NAME or r.operator is not Operator.DOES_NOT_EXIST for r in inside.requirements)
        return any(self._could_be(name, inside) for name in set.intersection(*named))

    def _could_be(self, name: str, inside: Selector) -> bool:
        if name in self._known:
            return inside.matches(self.labels(name))
        return satisfiable(meet(inside, Selector.from_labels({_NAME: name})))
