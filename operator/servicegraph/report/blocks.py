"""Values as YAML blocks that every YAML reader understands alike, and comments between them."""

import re
import textwrap
from collections.abc import Iterable
from typing import Any

import yaml

_WIDTH = 110
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ufeff]")


class _Dumper(yaml.CSafeDumper):
    """Quotes what other YAML readers than PyYAML take for a boolean or a number, and never writes aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]\Z"), list("yYnN"))
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9_]+)?\Z"),
    list("-+.0123456789"),
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?0[oOxXbB]?[0-9a-fA-F_]*\Z"), list("-+0"))


def block(value: Any, indent: int = 0) -> str:
    """A value as YAML in block style, keys in the order they have, every line indented."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=1 << 30)
    return textwrap.indent(text, " " * indent) if indent else text


def comments(lines: Iterable[str], indent: int = 0) -> str:
    """Comment lines, long ones wrapped; whatever is in a line, it stays a comment."""
    prefix = f"{' ' * indent}# "
    return "".join(f"{prefix}{text}\n" for line in lines for text in _wrapped(_printable(line), _WIDTH - len(prefix)))


def commented_out(text: str) -> str:
    """The same text where it means nothing."""
    return textwrap.indent(text, "# ")


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
