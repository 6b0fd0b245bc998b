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
    parts += [f"{_text(aside)}\n" for aside in asides]
    return "\n".join(parts)


def _line(row: Row) -> str:
    word = f"**{row.change}**" if row.more and not row.change.startswith("(") else row.change
    why = "<br>".join(map(_text, row.why))
    return f"| {word} | {_code(row.source)} | {_code(row.destination)} | {_code(row.ports)} | {why} |"


def _code(text: str) -> str:
    return f"`{_text(text)}`" if text else ""


def _text(text: str) -> str:
    """Nothing that would end a cell or begin a tag."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
