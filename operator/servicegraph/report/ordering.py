"""Layers in the order with the fewest crossings, and boxes at the height of their neighbours."""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

Neighbours = Mapping[str, Sequence[str]]

ROW_GAP = 14.0
_SWEEPS = 12


class Box(NamedTuple):
    """The size of something."""

    width: float
    height: float


def ordered(
    sizes: Mapping[str, Box], layer: Mapping[str, int], before: Neighbours, after: Neighbours
) -> list[list[str]]:
    """The order of each layer with the fewest crossings that sweeping to and fro finds."""
    columns: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sorted(sizes):
        columns[layer[name]].append(name)
    best, fewest = columns, _crossings(columns, after)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        columns = _swept(columns, before if sweep % 2 == 0 else after, backwards=sweep % 2 == 1)
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _swept(columns: list[list[str]], neighbours: Neighbours, *, backwards: bool) -> list[list[str]]:
    """Each layer in the order of the mean of its neighbours, where it stands when it has none."""
    place = {name: n / len(column) for column in columns for n, name in enumerate(column)}
    result = [list(column) for column in columns]
    for column in reversed(result) if backwards else result:
        wanted = {
            name: sum(place[other] for other in found) / len(found) if (found := neighbours.get(name)) else place[name]
            for name in column
        }
        column.sort(key=lambda name: (wanted[name], place[name], name))
        place.update((name, n / len(column)) for n, name in enumerate(column))
    return result


def _crossings(columns: Sequence[Sequence[str]], after: Neighbours) -> int:
    """How many pairs of links between neighbouring layers cross."""
    total = 0
    for column, following in pairwise(columns):
        place = {name: n for n, name in enumerate(following)}
        seen: list[int] = []
        for name in column:
            ends = sorted(place[other] for other in after.get(name, ()) if other in place)
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def heights_of(
    columns: Sequence[Sequence[str]], sizes: Mapping[str, Box], before: Neighbours, after: Neighbours
) -> dict[str, float]:
    """The middle of each box in its column: as near to its neighbours as the others let it."""
    middle: dict[str, float] = {}
    for column in columns:
        middle.update(_spread(column, sizes, dict.fromkeys(column, 0.0)))
    both = {name: (*before.get(name, ()), *after.get(name, ())) for column in columns for name in column}
    for sweep in range(_SWEEPS):
        backwards = sweep % 2 == 1
        near = both if sweep >= _SWEEPS - 2 else after if backwards else before
        for column in reversed(columns) if backwards else columns:
            wanted = {
                name: sum(middle[other] for other in found) / len(found) if (found := near.get(name)) else middle[name]
                for name in column
            }
            middle.update(_spread(column, sizes, wanted))
    return middle


def _spread(column: Sequence[str], sizes: Mapping[str, Box], wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights in this order that overlap nowhere, with the least squares of distance from those that are wanted.

    Boxes that push each other become one block, which stands at the mean of what its members want.
    """
    offsets: list[float] = []
    offset = 0.0
    for name in column:
        offset += sizes[name].height / 2
        offsets.append(offset)
        offset += sizes[name].height / 2 + ROW_GAP
    blocks: list[tuple[float, int]] = []
    for name, offset in zip(column, offsets, strict=True):
        total, count = wanted[name] - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            more, members = blocks.pop()
            total, count = total + more, count + members
        blocks.append((total, count))
    starts = [total / count for total, count in blocks for _ in range(count)]
    return {name: start + offset for name, start, offset in zip(column, starts, offsets, strict=True)}
