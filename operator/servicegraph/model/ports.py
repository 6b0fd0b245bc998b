"""Ports as authors write them, and as the pods have them."""

import re
from typing import Literal

import msgspec

Protocol = Literal["TCP", "UDP", "SCTP"]
PROTOCOLS: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")

PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_WRITTEN = re.compile(r"(?P<port>[^/]+?)(?:/(?P<protocol>TCP|UDP|SCTP))?\Z")
_RANGE = re.compile(r"(?P<start>[0-9]{1,5})(?:-(?P<end>[0-9]{1,5}))?\Z")


class PortRange(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Port numbers of a pod, `start` to `end`, both included."""

    protocol: Protocol
    start: int
    end: int

    def __str__(self) -> str:
        numbers = str(self.start) if self.start == self.end else f"{self.start}-{self.end}"
        return numbers if self.protocol == "TCP" else f"{numbers}/{self.protocol}"


class WrittenPort(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A port as an author wrote it: a name, or numbers `start` to `end`.

    `protocol` is None where none was said: TCP for numbers, the named port's own for names.
    """

    name: str | None = None
    start: int = 0
    end: int = 0
    protocol: Protocol | None = None

    @property
    def is_range(self) -> bool:
        """Whether it says more than one number."""
        return self.end > self.start

    @property
    def number_protocol(self) -> Protocol:
        """The protocol of a number: TCP when not said."""
        return self.protocol or "TCP"

    def __str__(self) -> str:
        port = self.name or (f"{self.start}-{self.end}" if self.is_range else str(self.start))
        return f"{port}/{self.protocol}" if self.protocol and self.protocol != "TCP" else port


def parse_port(written: int | str) -> WrittenPort:
    """Read `8080`, `"http"`, `"53/UDP"`, `"8000-8100"` or `"8000-8100/TCP"`.

    Raises ValueError with a message that says what a port looks like.
    """
    if isinstance(written, int):
        _check_number(written)
        return WrittenPort(start=written, end=written)
    match = _WRITTEN.match(written)
    if match is None:
        raise ValueError(f'{written!r} is not a port: write 8080, "http", "53/UDP" or "8000-8100/TCP"')
    port, protocol = match["port"], match["protocol"]
    known = next((p for p in PROTOCOLS if p == protocol), None)
    if numbers := _RANGE.match(port):
        start = int(numbers["start"])
        end = int(numbers["end"] or start)
        _check_number(start)
        _check_number(end)
        if end < start:
            raise ValueError(f"the port range {written!r} is reversed: write {end}-{start}")
        return WrittenPort(start=start, end=end, protocol=known)
    if not PORT_NAME.match(port):
        raise ValueError(
            f"{written!r} is not a port: a name has at most 63 lower-case letters, digits and dashes inside, "
            'and at least one letter; otherwise write 8080, "53/UDP" or "8000-8100/TCP"'
        )
    return WrittenPort(name=port, protocol=known)


def _check_number(number: int) -> None:
    if not 1 <= number <= 65535:
        raise ValueError(f"port {number} does not exist: ports are 1 to 65535")


def merge_ranges(ranges: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """The same ports, sorted, with what overlaps joined.

    Neighbours stay apart: `endPort` is younger than ports, and two numbers read better than a range.
    """
    if len(ranges) <= 1:
        return ranges
    merged: list[PortRange] = []
    for item in sorted(set(ranges)):
        last = merged[-1] if merged else None
        if last is not None and last.protocol == item.protocol and item.start <= last.end:
            if item.end > last.end:
                merged[-1] = PortRange(last.protocol, last.start, item.end)
        else:
            merged.append(item)
    return tuple(merged)


def intersect_ranges(one: tuple[PortRange, ...], other: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """The ports in both."""
    found = [
        PortRange(a.protocol, max(a.start, b.start), min(a.end, b.end))
        for a in one
        for b in other
        if a.protocol == b.protocol and a.start <= b.end and b.start <= a.end
    ]
    return merge_ranges(tuple(found))


def subtract_ranges(one: tuple[PortRange, ...], other: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    """The ports in `one` that are not in `other`."""
    left = list(one)
    for taken in other:
        kept: list[PortRange] = []
        for item in left:
            if item.protocol != taken.protocol or taken.end < item.start or item.end < taken.start:
                kept.append(item)
                continue
            if item.start < taken.start:
                kept.append(PortRange(item.protocol, item.start, taken.start - 1))
            if taken.end < item.end:
                kept.append(PortRange(item.protocol, taken.end + 1, item.end))
        left = kept
    return merge_ranges(tuple(left))
