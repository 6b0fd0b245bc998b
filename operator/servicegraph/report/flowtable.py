"""Changed flows as a Markdown table, for a comment on a pull request."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

LONGEST = 60_000
"""Characters. GitHub takes comments of up to 65,536; the rest is for who posts it."""
LONGEST_ASIDE = 4_000


class Row(NamedTuple):
    """A change in words. `more`: it lets more pass than before."""

    change: str
    source: str
    destination: str
    ports: str
    why: tuple[str, ...]
    more: bool


def markdown(headline: str, rows: Sequence[Row], asides: Iterable[str] = ()) -> str:
    """The headline, a table with a line for each change, and what else is to be said; cut where it gets too long."""
    parts = [f"### Access: {headline}\n"]
    notes = [f"{_cut(plain(aside))}\n" for aside in asides]
    if rows:
        lines = [_line(row) for row in rows]
        fitting = _fitting(lines, LONGEST - sum(map(len, (*parts, *notes))))
        parts.append(
            "\n".join(["| | from | to | ports | because of |", "|---|---|---|---|---|", *lines[:fitting]]) + "\n"
        )
        if fitting < len(lines):
            parts.append(f"{len(lines) - fitting} more changes do not fit here: `servicegraph diff` lists them.\n")
    return "\n".join([*parts, *notes])


def _fitting(lines: Sequence[str], room: int) -> int:
    """How many lines there is room for, beside the head of the table and a line that counts the rest."""
    ends = accumulate(len(line) + 1 for line in lines)
    return sum(end <= room - 200 for end in ends)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_ASIDE else f"{text[:LONGEST_ASIDE]} ..."


def _line(row: Row) -> str:
    word = f"**{row.change}**" if row.more and not row.change.startswith("(") else row.change
    why = "<br>".join(map(plain, row.why))
    return f"| {word} | {code(row.source)} | {code(row.destination)} | {code(row.ports)} | {why} |"


def code(text: str) -> str:
    """Text as it is written, in a cell; nothing for nothing."""
    return f"`{plain(text)}`" if text else ""


def plain(text: str) -> str:
    """Nothing that would end a cell or begin a tag."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
