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


class Terms:
    """A half that is quick to ask."""

    def __init__(self, half: Half, view: View) -> None:
        self.half = half
        self._view = view
        self._terms: dict[Selector, Term] = {}

    @cached_property
    def index(self) -> SelectorIndex:
        """Its selectors."""
        return SelectorIndex(self.half)

    def term(self, selector: Selector) -> Term:
        """What one of its selectors allows."""
        found = self._terms.get(selector)
        if found is None:
            found = self._terms[selector] = Term(self.half[selector], self._view)
        return found


def surplus(one: Half, truths: Terms, view: View, isolated_alone: bool = True) -> Iterator[Excess]:
    """What one side allows beyond the other, for classes of pods that the other isolates. Raises TangledError.

    With `isolated_alone`, pods that the other isolates and the one does not count too: those may everything.
    """
    for source, allowed in one.items():
        same = truths.half.get(source, {})
        if source in truths.half and same == allowed:
            continue
        differing = [(peer, ports) for peer, ports in allowed.items() if same.get(peer) != ports]
        for truth in truths.index.overlapping(source) if differing else ():
            known = truths.half[truth]
            for peer, ports in differing:
                if known.get(peer) != ports:
                    for grant in view.grants(peer, ports):
                        yield from _beyond(grant, source, truth, truths, view)
    if isolated_alone:
        yield from _open(one, truths, view)


def _beyond(grant: Grant, source: Selector, truth: Selector, truths: Terms, view: View) -> Iterator[Excess]:
    pods = source if source == truth else classes.meet(source, truth)
    left = view.remaining(grant, truths.term(truth), pods)
    if not left:
        return
    others = [s for s in truths.index.overlapping(pods) if s != truth]
    for piece in left:
        found = _uncovered(pods, [piece], others, truths, view)
        if found is not None:
            where, what = found
            yield from (Excess(where, source, truth, rest) for rest in what)


def _uncovered(
    pods: Selector, left: list[Grant], others: list[Selector], truths: Terms, view: View
) -> tuple[Selector, list[Grant]] | None:
    """Pods of a class to which the other selectors that they meet do not allow all of it, and what is left of it."""
    open_ends, dead_ends = [(pods, left, 0)], 0
    while open_ends:
        pods, left, number = open_ends.pop()
        while number < len(others):
            other = others[number]
            number += 1
            inside = classes.meet(pods, other)
            if not satisfiable(inside):
                continue
            term = truths.term(other)
            rest = [piece for grant in left for piece in view.remaining(grant, term, inside)]
            if rest == left:
                continue
            pieces = list(classes.less(pods, other))
            if rest:
                open_ends.append((inside, rest, number))
            open_ends += [(piece, left, number) for piece in reversed(pieces[1:])]
            if not pieces:
                dead_ends += 1
                view.steps.take(dead_ends)
                break
            pods = pieces[0]
        else:
            return pods, left
    return None


def _open(one: Half, truths: Terms, view: View) -> Iterator[Excess]:
    """The pods that the other side isolates and the one does not, but for those that it allows everything."""
    index = SelectorIndex(one)
    for truth, allowed in truths.half.items():
        if truth in one or allowed.get(ANY_PEER) == portsets.ALL:
            continue
        pods = classes.outside(truth, index.overlapping(truth), view.steps) if satisfiable(truth) else None
        if pods is None:
            continue
        found = _uncovered(pods, list(view.grants(ANY_PEER, portsets.ALL)), _open_to_all(pods, truths), truths, view)
        if found is not None:
            yield Excess(found[0], None, truth, Grant(EVERYTHING, portsets.ALL))


def _open_to_all(pods: Selector, truths: Terms) -> list[Selector]:
    """The selectors that allow everything to pods that they share with a class."""
    return [s for s in truths.index.overlapping(pods) if truths.half[s].get(ANY_PEER) == portsets.ALL]
