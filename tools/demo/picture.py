"""A graph as boxes and arrows, in characters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Pen:
    """The characters to draw with; each corner, line and arrow is one character."""

    corners: tuple[str, str, str, str]
    horizontal: str
    vertical: str
    arrow: str


UNICODE = Pen(("┌", "┐", "└", "┘"), "─", "│", "▶")
ASCII = Pen(("+", "+", "+", "+"), "-", "|", ">")

_ARROW = 5
_GAP = " " * _ARROW


def draw(spec: Mapping[str, Any], width: int, pen: Pen = UNICODE) -> list[str]:
    """The services of a ServiceGraph's `spec` in a row, callers first, with an arrow for each call.

    Calls that are not between neighbours, and everything where `width` columns are too few for the row, are lines
    below.
    """
    names = _callers_first(spec)
    calls = _calls(spec)
    entries = [name for name in names if _accepted(spec, name)]
    row = _row(names, calls, _accepted(spec, names[0]) if names else "", pen)
    if any(len(line) > width for line in row):
        row, drawn = [], set[tuple[str, str]]()
    else:
        drawn = set(pairwise(names))
        entries = [name for name in entries if name != names[0]]
    arrow = pen.horizontal * (_ARROW - 1) + pen.arrow
    accepted = [f"{_accepted(spec, name)} {arrow} {name}" for name in entries]
    rest = [f"{caller} {arrow} {callee}" for caller, callee in calls if (caller, callee) not in drawn]
    return row + accepted + rest


def _row(names: Sequence[str], calls: Sequence[tuple[str, str]], first: str, pen: Pen) -> list[str]:
    upper_left, upper_right, lower_left, lower_right = pen.corners
    arrow = f" {pen.horizontal * (_ARROW - 3)}{pen.arrow} "
    lead = f"{first}{arrow}" if first else ""
    top, middle, bottom = " " * len(lead), lead, " " * len(lead)
    for position, name in enumerate(names):
        if position:
            top, bottom = top + _GAP, bottom + _GAP
            middle += arrow if (names[position - 1], name) in calls else _GAP
        line = pen.horizontal * (len(name) + 2)
        top += upper_left + line + upper_right
        middle += f"{pen.vertical} {name} {pen.vertical}"
        bottom += lower_left + line + lower_right
    return [top, middle, bottom]


def _calls(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (service["name"], call["service"])
        for service in spec["services"]
        for call in service.get("calls", ())
        if "service" in call
    ]


def _accepted(spec: Mapping[str, Any], name: str) -> str:
    """Who else may call a service, where that is one word: `anywhere`, `internet`."""
    service = next(service for service in spec["services"] if service["name"] == name)
    flags = ("anywhere", "internet")
    return " ".join(flag for entry in service.get("accepts", ()) for flag in flags if flag in entry)


def _callers_first(spec: Mapping[str, Any]) -> list[str]:
    """Names such that callers come before whom they call; the order of the graph decides the rest, and cycles."""
    left = [service["name"] for service in spec["services"]]
    calls = [(caller, callee) for caller, callee in _calls(spec) if caller != callee]
    ordered: list[str] = []
    while left:
        uncalled = (name for name in left if not any(callee == name and caller in left for caller, callee in calls))
        following = next(uncalled, left[0])
        ordered.append(following)
        left.remove(following)
    return ordered
