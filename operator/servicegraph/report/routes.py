"""The lines of edges: smooth curves that leave a box on one side and arrive at another on the side that faces it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from servicegraph.report.document import Edge, Point

Frame = tuple[float, float, float, float]

_BESIDE = 7.0
"""How far edges between the same two ends are apart."""

_BOW = 46.0


def routes(
    edges: Sequence[Edge], frames: Mapping[str, Frame], bends: Sequence[Sequence[Point]]
) -> tuple[tuple[Point, ...], ...]:
    """The points of each edge as `Layout.edges` has them."""
    total = Counter((edge.source, edge.target) for edge in edges)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for edge, on_way in zip(edges, bends, strict=True):
        ends = (edge.source, edge.target)
        aside = (seen[ends] - (total[ends] - 1) / 2) * _BESIDE
        seen[ends] += 1
        source, target = frames[edge.source], frames[edge.target]
        points = _loop(source, aside) if edge.source == edge.target else _way(source, target, on_way)
        found.append(tuple((round(x, 1), round(y + aside, 1)) for x, y in points))
    return tuple(found)


def _way(source: Frame, target: Frame, on_way: Sequence[Point]) -> list[Point]:
    left, right = _sides(source), _sides(target)
    if right[0][0] > left[1][0]:
        return _curve([left[1], *on_way, right[0]])
    if right[1][0] < left[0][0]:
        return _curve([left[0], *on_way, right[1]])
    start, end = left[1], right[1]
    out = max(start[0], end[0]) + _BOW
    return [start, (out, start[1]), (out, end[1]), end]


def _curve(points: Sequence[Point]) -> list[Point]:
    """Level at every point that is passed."""
    found = [points[0]]
    for (ax, ay), (bx, by) in pairwise(points):
        third = (bx - ax) / 3
        found += [(ax + third, ay), (bx - third, by)]
    return [*found, points[-1]]


def _loop(frame: Frame, aside: float) -> list[Point]:
    """From the right side over the top."""
    left, top, width, height = frame
    right, middle, over = left + width, left + width * 0.75, top - 26 - 2 * abs(aside)
    return [
        (right, top + height / 2),
        (right + 30, top + height / 2),
        (right + 30, over),
        (middle, over),
        (middle, top),
    ]


def _sides(frame: Frame) -> tuple[Point, Point]:
    left, top, width, height = frame
    return (left, top + height / 2), (left + width, top + height / 2)
