"""What a kind is to us: where its API is, which of its fields are read, and what becomes of them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

K = TypeVar("K")
T = TypeVar("T")


class MalformedError(ValueError):
    """An object that is not what its kind says. `path` is the JSON path to what is wrong, as far as it is known."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def api_path(group: str, *segments: str) -> str:
    """The URL path of an API group (the core group is empty) or of something below it; empty segments are left out.

    No segment leads elsewhere: what is not a plain name is percent-encoded. Raises ValueError for `.` and `..`, which
    clients resolve even so.
    """
    parts = [part for part in ("apis" if group else "api", group, *segments) if part]
    if wrong := {".", ".."}.intersection(parts):
        raise ValueError(f"{wrong.pop()!r} is no name in the path of an API")
    return "/" + "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class Resource(Generic[K, T]):
    """One kind of the Kubernetes API.

    `wire` is the struct its JSON is decoded to, with a `metadata` of wire.Metadata or its like; `key` makes the key
    of an object from namespace and name; `translate` gives what is kept of it, None where nothing is, and may raise
    ValueError. `label_selector` limits what is listed and watched.
    """

    group: str
    version: str
    kind: str
    plural: str
    wire: type[Any]
    key: Callable[[str, str], K]
    translate: Callable[[K, Any], T | None]
    namespaced: bool = True
    label_selector: str = ""

    @property
    def api_version(self) -> str:
        """As in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, of one object, or of its subresource."""
        scope = ("namespaces", namespace) if namespace and self.namespaced else ()
        return api_path(self.group, self.version, *scope, self.plural, name, subresource)

    def read(self, found: Any) -> tuple[K, T | None, str]:
        """The key, what is kept, and the resourceVersion of an object decoded to `wire`. Raises ValueError."""
        metadata = found.metadata
        key = self.key(metadata.namespace, metadata.name)
        return key, self.translate(key, found), metadata.resource_version

    def decode(self, raw: Mapping[str, Any], namespace: str = "") -> T | None:
        """An object that is decoded JSON or YAML already; `namespace` is its own where it names none.

        Raises MalformedError that names the object and the field.
        """
        try:
            found = msgspec.convert(without_nulls(raw), self.wire)
            metadata = found.metadata
            name = metadata.name or metadata.generate_name
            if not name:
                raise ValueError("it has no .metadata.name: give it one")
            scope = (metadata.namespace or namespace) if self.namespaced else ""
            return self.translate(self.key(scope, name), found)
        except msgspec.ValidationError as error:
            path, message = explain(str(error))
            raise MalformedError(f"{title(self.kind, raw)}: {path or '.'}: {message}", path) from None
        except ValueError as error:
            raise MalformedError(f"{title(self.kind, raw)}: {error}") from None


_TYPES = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "object": "a mapping",
    "str": "a string",
}
_AT = re.compile(r"(?P<what>.*) - at (?:`key` in )?`\$(?P<path>.*)`")


def without_nulls(value: Any) -> Any:
    """A field that is null is a field that is not there."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def title(kind: str, raw: Mapping[str, Any]) -> str:
    """An object as messages call it."""
    metadata = raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return f"{kind} {name}" if name else kind


def explain(message: str) -> tuple[str, str]:
    """A message of msgspec in words: the path, and what is wrong with what to do about YAML's usual trap."""
    found = _AT.fullmatch(message)
    what, path = (found["what"], found["path"]) if found else (message, "")
    what = re.sub(r"`([\w |]+)`", lambda match: " or ".join(_TYPES.get(t, t) for t in match[1].split(" | ")), what)
    hint = ": put it in quotes" if what.startswith("Expected a string, got") else ""
    return path, f"{what[:1].lower()}{what[1:]}{hint}"
