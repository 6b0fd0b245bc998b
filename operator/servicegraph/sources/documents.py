"""Objects in YAML and JSON text, each with the file it stands in and the line of each of its parts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from servicegraph.sources.errors import InputError
from servicegraph.sources.files import texts
from servicegraph.sources.positions import Positions
from servicegraph.sources.syntax import events, explain
from servicegraph.sources.tree import Fault, trees

LARGEST = 1_000_000
"""Values a file may mean beyond one for each of its characters: only aliases can reach it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One object. `faults` tell why its data cannot be trusted; `prefix` is its path where it is part of a List."""

    file: str
    data: Mapping[str, Any]
    positions: Positions
    faults: tuple[Fault, ...] = ()
    prefix: str = ""

    def error(self, path: str, message: str) -> InputError:
        """What is wrong at a JSON path of the object."""
        return InputError(self.file, message, *self.positions.find(self.prefix + path))

    def line(self, path: str) -> int:
        """The line of a JSON path of the object."""
        return self.positions.find(self.prefix + path)[0]

    def errors(self) -> list[InputError]:
        """Its faults."""
        return [InputError(self.file, fault.message, fault.line, fault.column) for fault in self.faults]


def documents(names: Iterable[str]) -> Iterator[Document | InputError]:
    """Every object in the files, folders and standard input that `names` name, Lists taken apart.

    What cannot be read comes as an InputError in its place.
    """
    for found in texts(names):
        if isinstance(found, InputError):
            yield found
        else:
            yield from parse(*found)


def parse(file: str, text: str) -> Iterator[Document | InputError]:
    """The objects in a text; broken text gives those above the break and an InputError."""
    if text.lstrip()[:1] == "{" and (data := _json(text)) is not None:
        yield from _objects(Document(file, data, Positions(text, 1)))
        return
    try:
        for tree in trees(events(text), LARGEST + len(text)):
            if isinstance(tree.data, dict):
                positions = Positions(text[tree.start : tree.end], tree.line + 1)
                yield from _objects(Document(file, tree.data, positions, tree.faults))
    except yaml.YAMLError as error:
        yield explain(error, file, text)


def _objects(document: Document) -> Iterator[Document]:
    """The document itself, or what is in it if it is a List."""
    data = document.data
    kind, items = data.get("kind"), data.get("items")
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, list):
        yield document
        return
    named = {"kind": kind.removesuffix("List"), "apiVersion": data.get("apiVersion")} if kind != "List" else {}
    for index, item in enumerate(items):
        if isinstance(item, dict):
            prefix = f"{document.prefix}.items[{index}]"
            yield from _objects(Document(document.file, named | item, document.positions, document.faults, prefix))


def _json(text: str) -> dict[str, Any] | None:
    """The object in a JSON text, None where it is none: the YAML parser, which reads both, then says why."""
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a key stands twice")
    return data
