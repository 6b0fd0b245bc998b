"""Plain YAML scalars as Kubernetes clients read them."""

from collections.abc import Callable
from functools import lru_cache

import yaml

_TAG = "tag:yaml.org,2002:"
_BUILD = yaml.constructor.SafeConstructor()
_resolve: Callable[[type[yaml.Node], str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve
_BUILDERS = {"int": _BUILD.construct_yaml_int, "float": _BUILD.construct_yaml_float, "bool": _BUILD.construct_yaml_bool}
_AS_WRITTEN = frozenset(("str", "timestamp", "value", "merge"))

Scalar = str | int | float | bool | None


@lru_cache(maxsize=16_384)
def plain(text: str) -> Scalar:
    """The value of a plain scalar under YAML 1.1, dates as text since JSON has none.

    Raises ValueError for numbers that are none.
    """
    return tagged(_resolve(yaml.ScalarNode, text, (True, False)), text)


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag. Raises ValueError that says what is wrong."""
    kind = tag.removeprefix(_TAG)
    if kind in _AS_WRITTEN:
        return text
    if kind == "null":
        return None
    if kind not in _BUILDERS:
        raise ValueError(f"the tag {short(tag)} is not allowed: write plain YAML")
    try:
        value: Scalar = _BUILDERS[kind](yaml.ScalarNode(tag, text))
    except (ValueError, LookupError):
        raise ValueError(f"{text[:40]!r} cannot be read as {kind}: put it in quotes to make it text") from None
    return value


def short(tag: str) -> str:
    """A tag as people write it."""
    return f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
