"""Text for people: colours on a terminal, plain everywhere else."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from servicegraph.cli import output


class Page:
    """Lines as they are put together. Styles are rich's; without a terminal they leave no trace."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.text import Text

        coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._text = Text
        self._console = Console(
            file=io.StringIO(), force_terminal=coloured, no_color=not coloured, highlight=False, width=10_000
        )

    def line(self, *pieces: str | tuple[str, str], indent: int = 0) -> None:
        """A line of pieces, each plain or with a style."""
        text = self._text(" " * indent)
        for piece in pieces:
            if isinstance(piece, tuple):
                text.append(*piece)
            else:
                text.append(piece)
        text.rstrip()
        self._console.print(text, soft_wrap=True)

    def table(self, rows: Sequence[Sequence[str | tuple[str, str]]], indent: int = 0, gap: int = 2) -> None:
        """Rows with their columns aligned."""
        plain = [[cell if isinstance(cell, str) else cell[0] for cell in row] for row in rows]
        widths = [max(len(row[n]) for row in plain if n < len(row)) for n in range(max(map(len, plain), default=0))]
        for row in rows:
            pieces: list[str | tuple[str, str]] = []
            for cell, width in zip(row, widths, strict=False):
                shown = cell if isinstance(cell, str) else cell[0]
                pieces += [cell, " " * (width - len(shown) + gap)]
            self.line(*pieces, indent=indent)

    def text(self) -> str:
        """All of it so far."""
        file = self._console.file
        assert isinstance(file, io.StringIO)
        return file.getvalue()

    def write(self) -> None:
        """Print it all."""
        output.write(self.text())


def entry(value: Any) -> str:
    """A value of a resource on one line of YAML, as it may stand in a list: `{service: search, ports: [http]}`."""
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1 << 30, allow_unicode=True).strip()


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 service`, `2 services`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def counts(found: Mapping[str, int]) -> str:
    """`2 added, 1 removed`, what is zero left out."""
    return ", ".join(f"{number} {name}" for name, number in found.items() if number)
