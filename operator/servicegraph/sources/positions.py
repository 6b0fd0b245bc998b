"""Where in a file each part of a document stands, by its JSON path."""

import re
from collections.abc import Iterator

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from servicegraph.sources.syntax import events, starting

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_STEP = re.compile(r"(\.[^.\[]*|\[[^\]]*\])\Z")

Position = tuple[int, int]


class Positions:
    """The lines and columns of one document, from 1; read when first asked for."""

    def __init__(self, text: str, line: int) -> None:
        self._text, self._line = text, line
        self._table: dict[str, Position] | None = None

    def find(self, path: str) -> Position:
        """The place of `path` such as `.spec.services[0].name`, or of the nearest part around it that exists."""
        if self._table is None:
            self._table = dict(_walk(self._text, self._line))
        while path and path not in self._table:
            path = _STEP.sub("", path)
        return self._table.get(path, (self._line, 1))


class Unplaced(Positions):
    """The places of an object that stands in no file: there are none."""

    def __init__(self) -> None:
        super().__init__("", 0)

    def find(self, path: str) -> Position:
        """No line and no column."""
        return (0, 0)


def _walk(text: str, line: int) -> Iterator[tuple[str, Position]]:
    """Path and place of every value: of its key in a mapping, of itself in a list.

    JSON may write characters as surrogate pairs, which YAML refuses; they change no place.
    """
    stack: list[tuple[str, int | None]] = []
    key: str | None = None
    for event in events(_SURROGATE.sub(r"\\ufffd", text)):
        if not isinstance(event, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
            if isinstance(event, MappingEndEvent | SequenceEndEvent):
                stack.pop()
                key = None
            continue
        mark = starting(event)
        here, path = (mark.line + line, mark.column + 1), ""
        if stack:
            parent, index = stack[-1]
            if index is not None:
                path = f"{parent}[{index}]"
                stack[-1] = (parent, index + 1)
                yield path, here
            elif key is None and isinstance(event, ScalarEvent | AliasEvent):
                key = event.value if isinstance(event, ScalarEvent) else ""
                yield f"{parent}.{key}", here
                continue
            else:
                path, key = f"{parent}.{key or ''}", None
        else:
            yield path, here
        if isinstance(event, MappingStartEvent):
            stack.append((path, None))
        elif isinstance(event, SequenceStartEvent):
            stack.append((path, 0))
