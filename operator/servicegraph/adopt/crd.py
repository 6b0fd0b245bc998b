"""Whether the CustomResourceDefinition of a cluster has the fields that this version knows."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import inspect

from servicegraph.model.resource import GraphSpec


def known() -> frozenset[str]:
    """The fields of a ServiceGraph's spec by path: `services[].calls[].fqdn`."""
    return frozenset(_of_type(inspect.type_info(GraphSpec), ""))


def installed(schema: Mapping[str, Any]) -> frozenset[str]:
    """The fields of an OpenAPI schema of the spec, likewise."""
    return frozenset(_of_schema(schema, ""))


def _of_type(kind: inspect.Type, path: str) -> Iterator[str]:
    match kind:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _of_type(one, path)
        case inspect.StructType(fields=fields):
            for field in fields:
                below = f"{path}.{field.encode_name}".lstrip(".")
                yield below
                yield from _of_type(field.type, below)
        case inspect.VarTupleType(item_type=item):
            yield from _of_type(item, f"{path}[]")


def _of_schema(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        yield below
        yield from _of_schema(child, below)
    if "items" in schema:
        yield from _of_schema(schema["items"], f"{path}[]")
