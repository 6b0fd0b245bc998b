"""YAML events become plain data, in one pass and without recursion, so that depth and aliases cannot hurt.

What is wrong with a document is kept beside it and not raised: whether it matters depends on the document's kind.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from servicegraph.sources import scalars
from servicegraph.sources.syntax import TOO_DEEP, ending, starting

DEEPEST = 200
"""Levels of nesting, aliases included; the scanner's time is quadratic in them."""

_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong inside a document; `line` and `column` count from 1."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The data of a document, where in the text it stands, and what is wrong with it."""

    data: Any
    start: int
    end: int
    line: int
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Anchored:
    """What an alias stands for; `size` is None while it is still being read."""

    value: Any = None
    size: int | None = None
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read."""

    items: dict[str, Any] | list[Any]
    anchored: _Anchored | None
    size_before: int
    height: int = 1
    key: str | None = None
    expects_key: bool = False
    lines: dict[str, int] = field(default_factory=dict)
    merged: list[Any] = field(default_factory=list)


def trees(events: Iterable[Event], limit: int) -> Iterator[Tree]:
    """The documents of a stream. A file that means more than `limit` values, aliases resolved, is refused.

    Raises yaml.YAMLError where the text breaks off or nests too deep.
    """
    builder = _Builder(limit)
    take: dict[type[Event], Callable[[Any], None]] = {
        ScalarEvent: builder.scalar,
        AliasEvent: builder.alias,
        MappingStartEvent: builder.mapping,
        SequenceStartEvent: builder.sequence,
        MappingEndEvent: builder.close,
        SequenceEndEvent: builder.close,
    }
    for event in events:
        handler = take.get(type(event))
        if handler is not None:
            handler(event)
        elif isinstance(event, DocumentStartEvent):
            builder.begin()
            first = starting(event)
        elif isinstance(event, DocumentEndEvent):
            yield Tree(builder.data, first.index, ending(event).index, first.line, tuple(builder.faults))


class _Builder:
    """Builds one document after another; values are counted over all of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.overflown = False
        self.begin()

    def begin(self) -> None:
        """Start a document: anchors reach no further than the one they stand in."""
        self.data: Any = None
        self.faults: list[Fault] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Anchored] = {}

    def mapping(self, event: MappingStartEvent) -> None:
        """A mapping begins."""
        self._open(event, _Open({}, self._anchored(event), self.size, expects_key=True))

    def sequence(self, event: SequenceStartEvent) -> None:
        """A sequence begins."""
        self._open(event, _Open([], self._anchored(event), self.size))

    def scalar(self, event: ScalarEvent) -> None:
        """A scalar, perhaps a key."""
        self.size += 1
        if self.stack and self.stack[-1].expects_key:
            self._key(event)
            return
        value: Any = event.value
        if event.tag is not None or event.implicit[0]:
            try:
                value = scalars.tagged(event.tag, value) if event.tag not in (None, "!") else scalars.plain(value)
            except ValueError as error:
                self._fault(str(error), event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)
        self._put(value, 0)

    def _key(self, event: ScalarEvent) -> None:
        """Keys are text, as in JSON: a bare 80 or true is the text of it."""
        top = self.stack[-1]
        key = event.value
        top.key, top.expects_key = key, False
        if key == _MERGE and event.implicit[0]:
            return
        if key in top.lines:
            advice = "remove one" if len(self.stack) > 1 else "remove one, or separate two documents with `---`"
            self._fault(f"{key!r} stands twice in one mapping, first on line {top.lines[key]}: {advice}", event)
        else:
            top.lines[key] = starting(event).line + 1

    def _open(self, event: CollectionStartEvent, opened: _Open) -> None:
        self.size += 1
        if event.tag is not None and not event.implicit:
            self._fault(f"the tag {scalars.short(event.tag)} is not allowed: write plain YAML", event)
        if self.stack and self.stack[-1].expects_key:
            self._fault("a key is text, not a list or mapping: put it in quotes; render templates first", event)
            self.stack[-1].key, self.stack[-1].expects_key = "", False
        if len(self.stack) >= DEEPEST:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=starting(event))
        self.stack.append(opened)

    def close(self, event: Event) -> None:
        """The innermost mapping or sequence ends."""
        closed = self.stack.pop()
        if isinstance(closed.items, dict):
            for merged in closed.merged:
                self._merge(closed.items, merged, event)
        if closed.anchored is not None:
            closed.anchored.value = closed.items
            closed.anchored.size = self.size - closed.size_before
            closed.anchored.height = closed.height
        self._put(closed.items, closed.height)

    def alias(self, event: AliasEvent) -> None:
        """The value of an anchor above, once more."""
        found = self.anchors.get(event.anchor or "")
        if found is None or found.size is None:
            what = "is not defined above" if found is None else "stands inside what it names"
            self._fault(f"the alias *{event.anchor} {what}: write the value itself", event)
            self._put(None, 0)
            return
        if self.stack and self.stack[-1].expects_key:
            self.stack[-1].key, self.stack[-1].expects_key = str(found.value), False
            return
        if self.size + found.size > self.limit:
            if not self.overflown:
                self._fault("aliases make this file mean more than a million values: write it out", event)
            self.overflown = True
            self._put(None, 0)
        elif len(self.stack) + found.height > DEEPEST:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=starting(event))
        else:
            self.size += found.size
            self._put(found.value, found.height)

    def _put(self, value: Any, height: int) -> None:
        if not self.stack:
            self.data = value
            return
        top = self.stack[-1]
        if height >= top.height:
            top.height = height + 1
        if isinstance(top.items, list):
            top.items.append(value)
            return
        if top.key == _MERGE and _MERGE not in top.lines:
            top.merged.append(value)
        elif top.key is not None:
            top.items[top.key] = value
        top.key, top.expects_key = None, True

    def _merge(self, items: dict[str, Any], merged: Any, event: Event) -> None:
        """`<<`: what the mapping says itself wins, then the first of several (https://yaml.org/type/merge.html)."""
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                self._fault("`<<` merges mappings only: name one with an alias", event)
                continue
            for key, value in source.items():
                items.setdefault(key, value)

    def _anchored(self, event: NodeEvent) -> _Anchored | None:
        if event.anchor is None:
            return None
        self.anchors[event.anchor] = found = _Anchored()
        return found

    def _fault(self, message: str, event: Event) -> None:
        mark = starting(event)
        self.faults.append(Fault(message, mark.line + 1, mark.column + 1))
