"""Sets of ports: numbers, and names that only the pod that listens can turn into numbers."""

from functools import lru_cache

import msgspec

from servicegraph.model.ports import PROTOCOLS, PortRange, Protocol, intersect_ranges, merge_ranges, subtract_ranges
from servicegraph.verify.policies import FIRST_PORT, LAST_PORT, PolicyPort


class PortName(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A port of a pod by its name."""

    protocol: Protocol
    name: str

    def __str__(self) -> str:
        return self.name if self.protocol == "TCP" else f"{self.name}/{self.protocol}"


PortSet = tuple[PortRange | PortName, ...]
"""Ranges that are sorted and do not overlap, then names: equal sets that are written alike are equal."""

ALL: PortSet = tuple(PortRange(protocol, FIRST_PORT, LAST_PORT) for protocol in sorted(PROTOCOLS))


@lru_cache(maxsize=65_536)
def of_rule(ports: tuple[PolicyPort, ...] | None) -> PortSet:
    """The ports of a rule."""
    if ports is None:
        return ALL
    names = {PortName(port.protocol, port.name) for port in ports if port.name is not None}
    numbers = tuple(PortRange(p.protocol, p.start, p.end) for p in ports if p.name is None)
    return (*merge_ranges(numbers), *sorted(names))


@lru_cache(maxsize=65_536)
def of_flow(ports: tuple[PortRange, ...] | None) -> PortSet:
    """The ports of a declared flow."""
    return ALL if ports is None else merge_ranges(tuple(sorted(ports)))


@lru_cache(maxsize=65_536)
def union(one: PortSet, other: PortSet) -> PortSet:
    """The ports of either."""
    return (*merge_ranges(numbers(one) + numbers(other)), *sorted({*names(one), *names(other)}))


@lru_cache(maxsize=65_536)
def less(one: PortSet, other: PortSet) -> PortSet:
    """The ports of one that are not in the other. A name is taken out by itself, or by every port of its protocol."""
    taken = set(names(other))
    whole = {p.protocol for p in numbers(other) if (p.start, p.end) == (FIRST_PORT, LAST_PORT)}
    kept = [name for name in names(one) if name not in taken and name.protocol not in whole]
    return (*subtract_ranges(numbers(one), numbers(other)), *kept)


def both(one: PortSet, other: PortSet) -> PortSet:
    """The ports in both. A name is in another set where that holds it, or every port of its protocol."""
    whole = {p.protocol for p in numbers(other) if (p.start, p.end) == (FIRST_PORT, LAST_PORT)}
    kept = [name for name in names(one) if name in other or name.protocol in whole]
    return (*intersect_ranges(numbers(one), numbers(other)), *kept)


def numbers(ports: PortSet) -> tuple[PortRange, ...]:
    """The numbers of a set."""
    return tuple(port for port in ports if isinstance(port, PortRange))


def names(ports: PortSet) -> tuple[PortName, ...]:
    """The names of a set."""
    return tuple(port for port in ports if isinstance(port, PortName))
