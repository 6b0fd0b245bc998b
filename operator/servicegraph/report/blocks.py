"""Values as YAML blocks that every YAML reader understands alike, and comments between them."""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

_WIDTH = 110
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff]")
_TEXT = "tag:yaml.org,2002:str"
_MAPPING = MappingStartEvent(None, None, True, flow_style=False), MappingEndEvent()
_SEQUENCE = SequenceStartEvent(None, None, True, flow_style=False), SequenceEndEvent()
_OPENING = StreamStartEvent(), DocumentStartEvent(explicit=False)
_CLOSING = DocumentEndEvent(explicit=False), StreamEndEvent()
_ELSEWHERE = re.compile(
    r"[yYnN]|[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9_]+)?|[-+]?0[oOxXbB]?[0-9a-fA-F_]*"
)
"""What other YAML readers, but not PyYAML, take for a boolean or a number."""

_resolve: Callable[[type[yaml.Node], str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve


def block(value: Any, indent: int = 0) -> str:
    """Mappings, lists, text, integers and booleans as YAML in block style, in their order, every line indented."""
    text: str = yaml.emit((*_OPENING, *_events(value), *_CLOSING), Dumper=yaml.CSafeDumper, width=1 << 30)
    return textwrap.indent(text, " " * indent) if indent else text


def _events(value: Any) -> Iterator[Event]:
    if isinstance(value, dict):
        yield _MAPPING[0]
        for key, item in value.items():
            yield _scalar(key)
            yield from _events(item)
        yield _MAPPING[1]
    elif isinstance(value, list):
        yield _SEQUENCE[0]
        for item in value:
            yield from _events(item)
        yield _SEQUENCE[1]
    else:
        yield _scalar(value)


@lru_cache(maxsize=65_536, typed=True)
def _scalar(value: str | int) -> ScalarEvent:
    """Text is written bare only where nobody can read it as anything else."""
    if isinstance(value, bool):
        return ScalarEvent(None, None, (True, False), "true" if value else "false")
    if isinstance(value, int):
        return ScalarEvent(None, None, (True, False), str(value))
    bare = _resolve(yaml.ScalarNode, value, (True, False)) == _TEXT and not _ELSEWHERE.fullmatch(value)
    return ScalarEvent(None, None, (bare, True), value)


def comments(lines: Iterable[str], indent: int = 0) -> str:
    """Comment lines, long ones wrapped; whatever is in a line, it stays a comment."""
    prefix = f"{' ' * indent}# "
    return "".join(f"{prefix}{text}\n" for line in lines for text in _wrapped(_printable(line), _WIDTH - len(prefix)))


def commented_out(text: str, indent: int = 0) -> str:
    """The same text where it means nothing: without `# ` it stands where it belongs."""
    return textwrap.indent(text, f"{' ' * indent}# ")


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
