"""The ClusterProfile from a file."""

import msgspec

from servicegraph.compiler.wire import wire_error
from servicegraph.model.profile import ClusterProfile, check
from servicegraph.model.resource import API_VERSION
from servicegraph.sources.documents import Document, parse
from servicegraph.sources.errors import InputError
from servicegraph.sources.files import read

_HEADER = f"apiVersion: {API_VERSION} and kind: ClusterProfile"


def read_profile(file: str) -> ClusterProfile:
    """The one profile in a file. Raises InputError with its place and what to write instead."""
    return parse_profile(file, read(file))


def parse_profile(file: str, text: str) -> ClusterProfile:
    """The one profile in a text; `file` is what messages call it. Raises InputError likewise."""
    found = list(parse(file, text))
    for item in found:
        if isinstance(item, InputError):
            raise item
        for error in item.errors():
            raise error
    profiles = [item for item in found if isinstance(item, Document)]
    if len(profiles) != 1:
        raise InputError(file, f"a profile is one document, here are {len(profiles)}: write one with {_HEADER}")
    return _decode(profiles[0])


def _decode(document: Document) -> ClusterProfile:
    for field in ("apiVersion", "kind"):
        if field not in document.data:
            raise document.error("", f"the field {field!r} is missing: a profile starts with {_HEADER}")
    try:
        return check(msgspec.convert(document.data, ClusterProfile))
    except msgspec.ValidationError as error:
        path, message = wire_error(error, ClusterProfile)
        raise document.error(path, message) from None
    except ValueError as error:
        field, _, _ = str(error).partition(":")
        raise document.error(f".{field}", str(error)) from None
