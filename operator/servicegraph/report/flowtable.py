"""Changed flows as a Markdown table, for a pull request."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A change in words. `more`: it lets more pass than before."""

    change: str
    source: str
    destination: str
    ports: str
    why: tuple[str, ...]
    more: bool


def markdown(headline: str, rows: Sequence[Row], asides: Iterable[str] = ()) -> str:
    """The headline, a table with a line for each change, and what else is to be said."""
    parts = [f"### Access: {headline}\n"]
    if rows:
        table = ["| | from | to | ports | because of |", "|---|---|---|---|---|"]
        table += [_line(row) for row in rows]
        parts.append("\n".join(table) + "\n")
    parts += [f"{plain(aside)}\n" for aside in asides]
    return "\n".join(parts)


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
