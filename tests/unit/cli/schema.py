"""As much of JSON Schema 2020-12 as docs/schemas/ uses. An unknown keyword is an error, so that none is ignored."""

from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
    "null": type(None),
}
_NOTES = {"$schema", "$defs", "title", "description"}


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, path: str = "$") -> list[str]:
    """Where a value differs from a schema."""
    root = root or schema
    found: list[str] = []
    for keyword, rule in schema.items():
        match keyword:
            case "$ref":
                found += violations(value, root["$defs"][rule.rpartition("/")[2]], root, path)
            case "type":
                kinds = [rule] if isinstance(rule, str) else rule
                if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
                    return [f"{path} is no {' or '.join(kinds)}"]
            case "const" | "enum":
                if value not in ([rule] if keyword == "const" else rule):
                    found.append(f"{path} is {value!r}")
            case "required":
                found += [f"{path} has no {name}" for name in rule if name not in value]
            case "properties":
                for name in rule.keys() & value.keys():
                    found += violations(value[name], rule[name], root, f"{path}.{name}")
            case "additionalProperties":
                found += [f"{path}.{name} is not in the schema" for name in value.keys() - schema["properties"].keys()]
            case "items":
                for index, item in enumerate(value):
                    found += violations(item, rule, root, f"{path}[{index}]")
            case _ if keyword not in _NOTES:
                raise NotImplementedError(keyword)
    return found
