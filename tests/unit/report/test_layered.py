"""The layout: callers left of callees, few crossings, columns that fit the room."""

from itertools import pairwise

from servicegraph.report.layered import COLUMN_GAP, Drawing, Link, draw
from servicegraph.report.ordering import ROW_GAP, Box


def laid_out(*links: Link, room: float = 1_000) -> Drawing:
    return draw(dict.fromkeys({name for link in links for name in link}, Box(80, 30)), links, room)


def test_callers_stand_left_of_whom_they_call() -> None:
    drawing = laid_out(("a", "b"), ("b", "c"), ("a", "c"))
    lefts = [drawing.middles[name][0] for name in "abc"]
    assert [b - a for a, b in pairwise(lefts)] == [80 + COLUMN_GAP] * 2


def test_a_chain_is_one_straight_line() -> None:
    drawing = laid_out(("a", "b"), ("b", "c"), ("c", "d"))
    assert len({y for _, y in drawing.middles.values()}) == 1


def test_a_link_past_a_layer_has_room_of_its_own_there() -> None:
    drawing = laid_out(("a", "b"), ("b", "c"), ("a", "c"))
    ((x, y),) = drawing.bends["a", "c"]
    assert x == drawing.middles["b"][0]
    assert abs(y - drawing.middles["b"][1]) >= 15 + ROW_GAP


def test_a_link_back_passes_the_same_points_the_other_way() -> None:
    drawing = laid_out(("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"))
    assert [x for x, _ in drawing.bends["d", "a"]] == [drawing.middles["c"][0], drawing.middles["b"][0]]


def test_links_are_untangled() -> None:
    drawing = laid_out(("a", "y"), ("b", "x"), ("c", "z"))
    order = sorted("abc", key=lambda name: drawing.middles[name][1])
    callees = sorted("xyz", key=lambda name: drawing.middles[name][1])
    assert [{"a": "y", "b": "x", "c": "z"}[name] for name in order] == callees


def test_a_layer_that_is_too_high_goes_on_in_the_next() -> None:
    drawing = draw({f"n{n:02}": Box(80, 30) for n in range(20)}, [], room=200)
    assert drawing.height <= 200
    assert len({x for x, _ in drawing.middles.values()}) == 5


def test_a_tangle_fills_the_room_instead_of_a_ribbon() -> None:
    names = [f"n{n:02}" for n in range(60)]
    boxes = dict.fromkeys(names, Box(80, 30))
    everybody = [(a, b) for a in names for b in names]
    assert draw(boxes, everybody, room=400).width < 10 * (80 + COLUMN_GAP)
