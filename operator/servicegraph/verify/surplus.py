"""What one side allows and the other does not, for every class of pods there can be.

What selectors allow adds up on both sides. So a selector that allows the same on both sides makes no difference to any
class, whatever else its pods meet: only the selectors that differ are looked at, each with those it overlaps. That is
what keeps a proof linear in edges.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from servicegraph.model.policy import ANY_PEER
from servicegraph.model.selectors import EVERYTHING, Selector, satisfiable
from servicegraph.verify import classes, portsets
from servicegraph.verify.grants import Grant, Term, View
from servicegraph.verify.index import SelectorIndex
from servicegraph.verify.sides import Half


class Excess(NamedTuple):
    """Something one side allows pods of a class, and the other does not.

    `source` is the selector of the side that allows it, None where that side does not isolate these pods at all;
    `truth` is the selector of the other side that isolates them.
    """

    pods: Selector
    source: Selector | None
    truth: Selector
    grant: Grant


class _Terms:
    """A half that is quick to ask."""

    def __init__(self, half: Half, view: View) -> None:
        self.half = half
        self._view = view
        self._terms: dict[Selector, Term] = {}

    @cached_property
    def index(self) -> SelectorIndex:
        return SelectorIndex(self.half)

    def term(self, selector: Selector) -> Term:
        found = self._terms.get(selector)
        if found is None:
            found = self._terms[selector] = Term(self.half[selector], self._view)
        return found


def surplus(one: Half, other: Half, view: View, isolated_alone: bool = True) -> Iterator[Excess]:
    """What `one` allows beyond `other`, for classes of pods that `other` isolates.

    With `isolated_alone`, pods that `other` isolates and `one` does not count too: those may everything.
    """
    truths = _Terms(other, view)
    for source, allowed in one.items():
        same = other.get(source, {})
        if source in other and same == allowed:
            continue
        differing = [(peer, ports) for peer, ports in allowed.items() if same.get(peer) != ports]
        for truth in truths.index.overlapping(source) if differing else ():
            known = other[truth]
            for peer, ports in differing:
                if known.get(peer) != ports:
                    for grant in view.grants(peer, ports):
                        yield from _beyond(grant, source, truth, truths, view)
    if isolated_alone:
        yield from _open(one, other)


def _beyond(grant: Grant, source: Selector, truth: Selector, truths: _Terms, view: View) -> Iterator[Excess]:
    pods = source if source == truth else classes.meet(source, truth)
    left = view.remaining(grant, truths.term(truth).touching(grant), pods)
    if not left:
        return
    others = [s for s in truths.index.overlapping(pods) if s != truth]
    for piece in left:
        found = _uncovered(pods, [piece], others, truths, view)
        if found is not None:
            where, what = found
            yield from (Excess(where, source, truth, rest) for rest in what)


def _uncovered(
    pods: Selector, left: list[Grant], others: list[Selector], truths: _Terms, view: View
) -> tuple[Selector, list[Grant]] | None:
    """Pods of a class to which the other selectors that they meet do not allow all of it, and what is left of it."""
    open_ends = [(pods, left, 0)]
    while open_ends:
        pods, left, number = open_ends.pop()
        while number < len(others):
            other = others[number]
            number += 1
            covering = [found for grant in left for found in truths.term(other).touching(grant)]
            if not covering:
                continue
            inside = classes.meet(pods, other)
            if not satisfiable(inside):
                continue
            rest = [piece for grant in left for piece in view.remaining(grant, covering, inside)]
            if rest == left:
                continue
            pieces = list(classes.less(pods, other))
            if rest:
                open_ends.append((inside, rest, number))
            open_ends += [(piece, left, number) for piece in reversed(pieces[1:])]
            if not pieces:
                break
            pods = pieces[0]
        else:
            return pods, left
    return None


def _open(one: Half, other: Half) -> Iterator[Excess]:
    """The pods that `other` isolates and `one` does not."""
    index = SelectorIndex(one)
    for truth, allowed in other.items():
        if truth in one or allowed.get(ANY_PEER) == portsets.ALL:
            continue
        pods = classes.outside(truth, index.overlapping(truth))
        if pods is not None:
            yield Excess(pods, None, truth, Grant(EVERYTHING, portsets.ALL))
