"""Policies and what became of them, as blocks of text."""

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from tools.demo.changes import Change, Outcome
from tools.demo.rules import Line, annotated, difference, lines, subject

_STYLES = {Outcome.NEW: "green", Outcome.CHANGED: "yellow", Outcome.UNCHANGED: "dim", Outcome.GONE: "red"}
_MARKS = {Outcome.NEW: "+", Outcome.CHANGED: "~", Outcome.UNCHANGED: "=", Outcome.GONE: "-"}
_NAME, _PEER = 34, 40


def block(changes: Iterable[Change]) -> list[Text]:
    """What became of each policy: the new ones whole, of the others what differs."""
    return [line for change in changes for line in _policy(change)]


def delta(added: Sequence[Line], removed: Sequence[Line]) -> Iterator[Text]:
    """What is allowed now and was not, and the other way round."""
    for mark, style, some in (("-", "red", removed), ("+", "green", added)):
        for line in some:
            yield Text(f"    {mark} {_words(line)}", style)


def milliseconds(value: float) -> str:
    """A time for people: `8 ms`, `1.9 s`."""
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"


def _policy(change: Change) -> Iterator[Text]:
    style = _STYLES[change.outcome]
    yield Text.assemble(
        (f"{_MARKS[change.outcome]} {change.name:{_NAME}}", f"bold {style}"),
        (f" {change.outcome}", style),
        (f"{_when(change)}", "dim"),
    )
    match change.outcome:
        case Outcome.NEW:
            yield Text(f"    pods  {subject(change.policy)}", "bold")
            for line in lines(change.policy):
                yield Text(f"    {_words(line)}")
            if not any(line.direction == "to" for line in lines(change.policy)):
                yield Text("    to    nobody", "dim")
        case Outcome.CHANGED if change.before and change.after:
            found = difference(change.before, change.after)
            yield from delta(found.added, found.removed)
            if not (found.added or found.removed):
                keys = ", ".join(annotated(change.before, change.after))
                yield Text(f"      the same rules; annotations: {keys}", "dim")
        case _:
            pass


def _when(change: Change) -> str:
    if change.outcome is Outcome.UNCHANGED:
        return f", resourceVersion still {change.version}"
    return "" if change.after_ms is None else f" after {milliseconds(change.after_ms)}"


def _words(line: Line) -> str:
    return f"{line.direction:5} {line.peer:{_PEER}} {line.ports}"
