"""Graphs as boxes and arrows."""

from typing import Any

import pytest

from tools.demo.picture import ASCII, draw


def spec(**calls: str) -> dict[str, Any]:
    """Services by name with those they call, separated by blanks."""
    return {
        "services": [
            {"name": name, "calls": [{"service": callee} for callee in callees.split()]}
            for name, callees in calls.items()
        ]
    }


def test_a_chain_is_a_row_with_callers_first_whatever_the_order_of_the_graph() -> None:
    graph = spec(database="", search="database", frontend="search")
    graph["services"][2]["accepts"] = [{"anywhere": True, "ports": ["http"]}]
    assert draw(graph, 80) == [
        "             ┌──────────┐     ┌────────┐     ┌──────────┐",
        "anywhere ──▶ │ frontend │ ──▶ │ search │ ──▶ │ database │",
        "             └──────────┘     └────────┘     └──────────┘",
    ]


def test_without_a_call_there_is_no_arrow() -> None:
    assert draw(spec(a="b", b="", c=""), 80, ASCII) == [
        "+---+     +---+     +---+",
        "| a | --> | b |     | c |",
        "+---+     +---+     +---+",
    ]


def test_calls_that_are_not_between_neighbours_are_lines_below() -> None:
    assert draw(spec(a="b c", b="c", c=""), 80, ASCII)[3:] == ["a ----> c"]


def test_a_service_may_call_itself_and_calls_may_go_round() -> None:
    assert draw(spec(a="b", b="a b"), 80, ASCII)[1:] == ["| a | --> | b |", "+---+     +---+", "b ----> a", "b ----> b"]


def test_what_else_is_accepted_stands_in_front_of_the_first_and_below_for_others() -> None:
    graph = spec(a="b", b="")
    for service in graph["services"]:
        service["accepts"] = [{"internet": True, "ports": [443]}, {"pods": {"labels": {"x": "y"}}}]
    drawn = draw(graph, 80, ASCII)
    assert drawn[1].startswith("internet --> | a |")
    assert drawn[3:] == ["internet ----> b"]


@pytest.mark.parametrize("width", [10, 24])
def test_where_the_row_is_too_wide_every_call_is_a_line(width: int) -> None:
    assert draw(spec(a="b", b="c", c=""), width, ASCII) == ["a ----> b", "b ----> c"]
