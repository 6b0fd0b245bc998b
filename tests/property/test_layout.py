"""The layout of the report: nothing over anything, the same for the same graph, edges from node to node."""

import random

from hypothesis import given
from hypothesis import strategies as st

from servicegraph.report.document import Edge
from servicegraph.report.layered import Link, draw
from servicegraph.report.ordering import Box
from servicegraph.report.placing import place
from tests.unit.report.pictures import edge, outside, service

NAMES = [f"n{n}" for n in range(14)]
BOXES = st.dictionaries(st.sampled_from(NAMES), st.builds(Box, st.integers(20, 200), st.integers(20, 90)), min_size=1)


@st.composite
def graphs(draw_: st.DrawFn) -> tuple[dict[str, Box], list[Link], int]:
    boxes = draw_(BOXES)
    ends = st.sampled_from(sorted(boxes))
    return boxes, draw_(st.lists(st.tuples(ends, ends), max_size=40)), draw_(st.sampled_from((60, 200, 5_000)))


def overlap(one: tuple[Box, tuple[float, float]], other: tuple[Box, tuple[float, float]]) -> bool:
    (a, (ax, ay)), (b, (bx, by)) = one, other
    return abs(ax - bx) < (a.width + b.width) / 2 - 0.2 and abs(ay - by) < (a.height + b.height) / 2 - 0.2


@given(graphs())
def test_nothing_overlaps_and_everything_is_inside(graph: tuple[dict[str, Box], list[Link], int]) -> None:
    boxes, links, room = graph
    drawing = draw(boxes, links, room)
    assert drawing.middles.keys() == boxes.keys()
    placed = [(boxes[name], drawing.middles[name]) for name in sorted(boxes)]
    assert not any(overlap(a, b) for n, a in enumerate(placed) for b in placed[:n])
    for box, (x, y) in placed:
        assert box.width / 2 - 0.2 <= x <= drawing.width - box.width / 2 + 0.2
        assert box.height / 2 - 0.2 <= y <= drawing.height - box.height / 2 + 0.2


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    graph: tuple[dict[str, Box], list[Link], int], rng: random.Random
) -> None:
    boxes, links, room = graph
    names = list(boxes)
    rng.shuffle(names)
    shuffled = links + links[:1]
    rng.shuffle(shuffled)
    assert draw({name: boxes[name] for name in names}, shuffled, room) == draw(boxes, links, room)


NODES = [service(name, space) for space in ("a", "b", "c") for name in ("x", "y", "a-rather-long-name")] + [
    outside("10.0.0.0/8"),
    outside("internet", "from"),
]
EDGES = st.lists(st.builds(edge, st.sampled_from(NODES), st.sampled_from(NODES)), max_size=25)


def inside(frame: tuple[float, ...], other: tuple[float, ...]) -> bool:
    left, top, width, height = frame
    outer_left, outer_top, outer_width, outer_height = other
    return (
        outer_left <= left
        and outer_top <= top
        and left + width <= outer_left + outer_width
        and top + height <= outer_top + outer_height
    )


def apart(frame: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return (
        frame[0] + frame[2] < other[0]
        or other[0] + other[2] < frame[0]
        or frame[1] + frame[3] < other[1]
        or other[1] + other[3] < frame[1]
    )


@given(EDGES)
def test_namespaces_hold_their_nodes_and_no_others(edges: list[Edge]) -> None:
    layout = place(NODES, edges)
    whole = (0.0, 0.0, layout.width, layout.height)
    for node in NODES:
        assert inside(layout.nodes[node.id], whole)
        for name, frame in layout.namespaces.items():
            assert (inside if node.namespace == name else apart)(layout.nodes[node.id], frame)


@given(EDGES)
def test_edges_begin_and_end_at_their_nodes(edges: list[Edge]) -> None:
    layout = place(NODES, edges)
    assert len(layout.edges) == len(edges)
    for found, points in zip(edges, layout.edges, strict=True):
        assert len(points) >= 4
        assert on_border(points[0], layout.nodes[found.source])
        assert on_border(points[-1], layout.nodes[found.target])


def on_border(point: tuple[float, float], frame: tuple[float, ...]) -> bool:
    (x, y), (left, top, width, height) = point, frame
    beside = min(abs(x - left), abs(x - left - width)) < 0.2 and top - 95 <= y <= top + height + 95
    above = left <= x <= left + width and abs(y - top) < 95
    return beside or above
