"""What msgspec found wrong with a document, in words that say what to do."""

import difflib
import re
from typing import Any

import msgspec
from msgspec import inspect

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*)`\Z")
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`\Z")
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`\Z")
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_WORDS = {
    "int": "a whole number",
    "str": "a string",
    "array": "a list",
    "object": "a mapping",
    "bool": "true or false",
    "null": "nothing",
}


def wire_error(error: msgspec.ValidationError, wire: Any) -> tuple[str, str]:
    """The JSON path (relative to the document, starting with `.` or empty) and a message that says what to do.

    `wire` is the type it was decoded into: it tells the fields and values that exist.
    """
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    if unknown := _UNKNOWN.match(what):
        field = unknown["field"]
        known = sorted(_fields(wire, path))
        close = difflib.get_close_matches(field, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"the fields are {', '.join(known)}"
        return f"{path}.{field}", f"unknown field {field!r}: {advice}"
    if missing := _MISSING.match(what):
        return path, f"the field {missing['field']!r} is missing: write it"
    if wrong := _TYPE.match(what):
        if wrong["got"] == "bool" and "Off" in _values(wire, path):
            return path, 'expected a string: write "Off" in quotes, since YAML reads a bare Off as false'
        return path, f"expected {_words(wrong['wanted'])}, got {_words(wrong['got']) or 'nothing'}"
    if what.startswith("Invalid enum value"):
        allowed = _values(wire, path)
        given = what.removeprefix("Invalid enum value ")
        if allowed == ["true"]:
            return path, f"{given.lower()} is not allowed: write true, or leave the field out"
        return path, f"{given} is not allowed: write one of {', '.join(allowed)}" if allowed else what
    return path, what


def _words(types: str) -> str:
    return " or ".join(_WORDS.get(part.strip(), part.strip()) for part in types.split("|") if part.strip() != "null")


def _fields(wire: Any, path: str) -> set[str]:
    return {
        field.encode_name for kind in _at(wire, path) if isinstance(kind, inspect.StructType) for field in kind.fields
    }


def _values(wire: Any, path: str) -> list[str]:
    found: list[str] = []
    for kind in _at(wire, path):
        if isinstance(kind, inspect.EnumType):
            found += [str(member.value) for member in kind.cls]
        elif isinstance(kind, inspect.LiteralType):
            found += [str(value).lower() if isinstance(value, bool) else str(value) for value in kind.values]
    return found


def _at(wire: Any, path: str) -> list[inspect.Type]:
    """The types that may stand at a path."""
    kinds = _options(inspect.type_info(wire))
    for step in _STEP.finditer(path):
        inner: list[inspect.Type] = []
        for kind in kinds:
            if step["key"] is not None and isinstance(kind, inspect.StructType):
                inner += [o for f in kind.fields if f.encode_name == step["key"] for o in _options(f.type)]
            elif step["key"] is not None and isinstance(kind, inspect.DictType):
                inner += _options(kind.value_type)
            elif step["index"] is not None and isinstance(kind, inspect.VarTupleType):
                inner += _options(kind.item_type)
        kinds = inner
    return kinds


def _options(kind: inspect.Type) -> list[inspect.Type]:
    return list(kind.types) if isinstance(kind, inspect.UnionType) else [kind]
