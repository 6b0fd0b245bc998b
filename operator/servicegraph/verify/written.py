"""What manifests of policies have in common, read strictly: label selectors and blocks of addresses.

What the API server refuses is refused (k8s.io/kubernetes, pkg/apis/networking/validation), and so are fields that are
not known: the rest would mean something else.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from servicegraph.model.addresses import contains
from servicegraph.model.names import is_label_key, is_label_value
from servicegraph.model.policy import AddressPeer
from servicegraph.model.selectors import EVERYTHING, Operator, Requirement, Selector
from servicegraph.verify import wire
from servicegraph.verify.cidrs import block

_T = TypeVar("_T")


class PolicyError(ValueError):
    """What the API server would refuse. `path` is the JSON path into the manifest."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message

    def __str__(self) -> str:
        return f"{self.path or '.'}: {self.message}"


def convert(value: Mapping[str, Any], shape: type[_T], at: str) -> _T:
    """The manifest, or the part of it `at` that path, by its shape. Raises PolicyError."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        inner = path.removeprefix("key` in `").rstrip("`").removeprefix("$")
        raise PolicyError(at + inner, message) from None


def address_peer(written: wire.IPBlock, path: str) -> AddressPeer:
    """An ipBlock. Raises PolicyError."""
    cidr = _cidr(written.cidr, f"{path}.cidr")
    excluded = []
    for index, exception in enumerate(written.except_ or ()):
        at = f"{path}.except[{index}]"
        inner = _cidr(exception, at)
        if inner == cidr or not contains(cidr, inner):
            raise PolicyError(at, f"{exception} must be a strict subset of {written.cidr}")
        excluded.append(inner)
    return AddressPeer(cidr, tuple(sorted(set(excluded))))


def _cidr(written: str, path: str) -> str:
    try:
        return block(written)
    except ValueError as error:
        raise PolicyError(path, str(error)) from None


def selector(written: wire.LabelSelector | None, path: str) -> Selector:
    """A label selector; none selects everything. Raises PolicyError."""
    if written is None:
        return EVERYTHING
    if not written.match_expressions:
        try:
            return _labels(tuple((written.match_labels or {}).items()))
        except ValueError as error:
            raise PolicyError(f"{path}.matchLabels", str(error)) from None
    found = list(selector(wire.LabelSelector(written.match_labels), path).requirements)
    for index, expression in enumerate(written.match_expressions):
        at = f"{path}.matchExpressions[{index}]"
        operator, values = Operator(expression.operator), tuple(sorted(set(expression.values or ())))
        if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
            wanted = "must be specified" if not values else "may not be specified"
            raise PolicyError(f"{at}.values", f"{wanted} when `operator` is {operator.value}")
        try:
            for value in values or ("",):
                _check(expression.key, value)
        except ValueError as error:
            raise PolicyError(at, str(error)) from None
        found.append(Requirement(expression.key, operator, values))
    return Selector.of(found)


@lru_cache(maxsize=65_536)
def _labels(labels: tuple[tuple[str, str], ...]) -> Selector:
    for key, value in labels:
        _check(key, value)
    return Selector.from_labels(dict(labels))


def _check(key: str, value: str) -> None:
    if not is_label_key(key):
        raise ValueError(f"{key!r} is not the key of a label")
    if not is_label_value(value):
        raise ValueError(f"{value!r} is not the value of a label")
