"""Fields by path: of a schema, of msgspec types, of a document. `a[].b` is the field b of the items of the list a."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

_JSON_TYPES = {
    inspect.StrType: "string",
    inspect.IntType: "integer",
    inspect.BoolType: "boolean",
    inspect.VarTupleType: "array",
    inspect.DictType: "object",
    inspect.StructType: "object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """What a field may hold: its JSON types, its values where they are few, and whether it must be there."""

    types: frozenset[str]
    values: frozenset[str] = frozenset()
    required: bool = False


Fields = dict[str, Field]


def of_schema(schema: Mapping[str, Any], path: str = "") -> Fields:
    """The fields below an OpenAPI v3 schema; items of lists are fields too, `a[]`."""
    found: Fields = {}
    for name, child in schema.get("properties", {}).items():
        _add_schema(found, child, f"{path}.{name}".lstrip("."), name in schema.get("required", ()))
    return found


def _add_schema(found: Fields, schema: Mapping[str, Any], path: str, required: bool) -> None:
    found[path] = Field(_schema_types(schema), _values(schema.get("enum", ())), required)
    found |= of_schema(schema, path)
    if "items" in schema:
        _add_schema(found, schema["items"], f"{path}[]", False)


def _schema_types(schema: Mapping[str, Any]) -> frozenset[str]:
    if schema.get("x-kubernetes-int-or-string"):
        return frozenset({"integer", "string"})
    if "type" in schema:
        return frozenset({schema["type"]})
    told = {"integer": "minimum", "object": "properties"}
    return frozenset(kind for kind, keyword in told.items() if keyword in schema)


def of_type(kind: type[msgspec.Struct]) -> Fields:
    """The fields below a msgspec type, likewise; None for what is not written counts as no type of its own."""
    return _below(inspect.type_info(kind), "")


def _below(kind: inspect.Type, path: str) -> Fields:
    found: Fields = {}
    for part in _parts(kind):
        if isinstance(part, inspect.StructType):
            for field in part.fields:
                _add_type(found, field.type, f"{path}.{field.encode_name}".lstrip("."), field.required)
        elif isinstance(part, inspect.VarTupleType):
            _add_type(found, part.item_type, f"{path}[]", False)
    return found


def _add_type(found: Fields, kind: inspect.Type, path: str, required: bool) -> None:
    types: set[str] = set()
    values: set[object] = set()
    for part in _parts(kind):
        if isinstance(part, inspect.LiteralType):
            types |= {"boolean" if isinstance(value, bool) else "string" for value in part.values}
            values |= set(part.values)
        elif isinstance(part, inspect.EnumType):
            types.add("string")
            values |= {member.value for member in part.cls}
        elif not isinstance(part, inspect.NoneType):
            types.add(_JSON_TYPES[type(part)])
    found[path] = Field(frozenset(types), _values(values), required)
    found |= _below(kind, path)


def _parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def _values(values: Any) -> frozenset[str]:
    return frozenset(str(value).lower() if isinstance(value, bool) else str(value) for value in values)


def of_document(document: Any, path: str = "") -> Iterator[str]:
    """The paths of the fields that a document has."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            below = f"{path}.{name}".lstrip(".")
            yield below
            yield from of_document(value, below)
    elif isinstance(document, list):
        for item in document:
            yield f"{path}[]"
            yield from of_document(item, f"{path}[]")
