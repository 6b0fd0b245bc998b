"""Boxes in layers from left to right: who calls stands left of who is called.

The method of Sugiyama, Tagawa and Toda (1981): turn cycles around, assign layers, order each layer to cross little,
then place. The same input gives the same drawing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from servicegraph.report.ordering import ROW_GAP, Box, Neighbours, heights_of, ordered

Point = tuple[float, float]
Link = tuple[str, str]

COLUMN_GAP = 84.0
_FEW = 16
_MOST_BENDS = 1_500
_THREAD = 6.0


class Drawing(msgspec.Struct, frozen=True):
    """The middle of each box, the points that long links pass on their way, and the size of the whole."""

    middles: dict[str, Point]
    bends: dict[Link, tuple[Point, ...]]
    width: float
    height: float


def draw(boxes: Mapping[str, Box], links: Iterable[Link], room: float) -> Drawing:
    """Lay boxes out; a layer that would be higher than `room` goes on in the next."""
    distinct = sorted({(a, b) for a, b in links if a != b})
    forward = _acyclic(sorted(boxes), distinct)
    layer = _layers(boxes, forward, distinct, room)
    sizes, chains = _threaded(boxes, forward, layer)
    before, after = _neighbours(chains.values())
    columns = ordered(sizes, layer, before, after)
    heights = heights_of(columns, sizes, before, after)
    return _placed(boxes, columns, sizes, heights, chains, set(distinct))


def _acyclic(names: Sequence[str], links: Sequence[Link]) -> list[Link]:
    """The links, those that close a cycle turned around; who is called by nobody is looked at first."""
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in links:
        following[a].append(b)
    called = {b for _, b in links}
    done: set[str] = set()
    active: set[str] = set()
    turned: set[Link] = set()
    for start in sorted(names, key=lambda name: (name in called, -len(following[name]), name)):
        if start in done:
            continue
        active.add(start)
        path = [(start, iter(following[start]))]
        while path:
            name, rest = path[-1]
            for other in rest:
                if other in active:
                    turned.add((name, other))
                elif other not in done:
                    active.add(other)
                    path.append((other, iter(following[other])))
                    break
            else:
                active.discard(name)
                done.add(name)
                path.pop()
    return sorted({(b, a) if (a, b) in turned else (a, b) for a, b in links})


def _layers(boxes: Mapping[str, Box], forward: Sequence[Link], links: Sequence[Link], room: float) -> dict[str, int]:
    """Each box right of all that call it; the unconnected where there is most room.

    Where that would make a long ribbon, and where half of the calls run in circles, neighbouring layers become one.
    """
    ranks = _ranks(boxes, forward)
    depth = max(ranks.values(), default=-1) + 1
    needed = math.ceil(sum(boxes[name].height + ROW_GAP for name in ranks) / room)
    turned = len(set(links).difference(forward))
    most = needed if turned * 3 > len(links) > _FEW else max(_FEW, 2 * needed)
    members: dict[int, list[str]] = defaultdict(list)
    for name, rank in ranks.items():
        members[rank * most // depth if depth > most else rank].append(name)
    layer: dict[str, int] = {}
    filled: list[float] = []
    for rank in sorted(members):
        filled.append(0)
        for name in members[rank]:
            height = boxes[name].height + ROW_GAP
            if filled[-1] and filled[-1] + height > room:
                filled.append(0)
            layer[name] = len(filled) - 1
            filled[-1] += height
    for name in sorted(boxes.keys() - ranks.keys()):
        height = boxes[name].height + ROW_GAP
        at = min(range(len(filled)), key=filled.__getitem__, default=0)
        if not filled or filled[at] + height > room:
            at = len(filled)
            filled.append(0)
        layer[name] = at
        filled[at] += height
    return layer


def _ranks(boxes: Mapping[str, Box], links: Sequence[Link]) -> dict[str, int]:
    """The longest way to each box that is linked to another, callers before whom they call."""
    waiting: dict[str, int] = defaultdict(int)
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in links:
        waiting[b] += 1
        following[a].append(b)
    order = sorted(name for name in boxes if name in following and not waiting[name])
    ranks = dict.fromkeys(order, 0)
    for name in order:
        for other in following.get(name, ()):
            ranks[other] = max(ranks.get(other, 0), ranks[name] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    return {name: ranks[name] for name in order}


def _threaded(
    boxes: Mapping[str, Box], links: Sequence[Link], layer: dict[str, int]
) -> tuple[dict[str, Box], dict[Link, tuple[str, ...]]]:
    """Every link as a chain through a point in each layer it passes, unless that would be too many."""
    sizes = dict(boxes)
    bends = sum(max(layer[b] - layer[a] - 1, 0) for a, b in links)
    chains: dict[Link, tuple[str, ...]] = {}
    for a, b in links:
        points = []
        if bends <= _MOST_BENDS:
            for at in range(layer[a] + 1, layer[b]):
                point = f"{a}\0{b}\0{at:04}"
                layer[point] = at
                sizes[point] = Box(0, _THREAD)
                points.append(point)
        chains[a, b] = (a, *points, b)
    return sizes, chains


def _neighbours(chains: Iterable[Sequence[str]]) -> tuple[Neighbours, Neighbours]:
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for a, b in pairwise(chain):
            after[a].append(b)
            before[b].append(a)
    return before, after


def _placed(
    boxes: Mapping[str, Box],
    columns: Sequence[Sequence[str]],
    sizes: Mapping[str, Box],
    heights: Mapping[str, float],
    chains: Mapping[Link, Sequence[str]],
    links: set[Link],
) -> Drawing:
    """Everything in the quarter right of and below the origin."""
    top = min((heights[name] - sizes[name].height / 2 for name in sizes), default=0.0)
    bottom = max((heights[name] + sizes[name].height / 2 for name in sizes), default=0.0)
    points: dict[str, Point] = {}
    left = 0.0
    for column in columns:
        width = max((sizes[name].width for name in column), default=0.0)
        points.update((name, (round(left + width / 2, 1), round(heights[name] - top, 1))) for name in column)
        left += width + COLUMN_GAP
    bends: dict[Link, tuple[Point, ...]] = {}
    for (a, b), chain in chains.items():
        on_way = tuple(points[name] for name in chain[1:-1])
        if on_way and (a, b) in links:
            bends[a, b] = on_way
        if on_way and (b, a) in links:
            bends[b, a] = on_way[::-1]
    return Drawing({name: points[name] for name in boxes}, bends, max(left - COLUMN_GAP, 0.0), round(bottom - top, 1))
