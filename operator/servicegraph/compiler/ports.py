"""From ports as written to ports of pods (R2).

Where the party is a service, a port is one of its Service, translated; everywhere else it is a port of the pods.
Two readings that differ give no rule, and what is found nowhere is told with the ports there are.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from servicegraph.compiler.terms import Term
from servicegraph.model.ports import PortRange, Protocol, WrittenPort, merge_ranges
from servicegraph.model.problems import Code

Ranges = tuple[PortRange, ...]


class PortAnswer(msgspec.Struct, frozen=True, gc=False):
    """The pod ports behind one written port at one term; with none, `code` and `message` may say why."""

    ranges: Ranges = ()
    code: Code | None = None
    message: str = ""


class Unresolved(msgspec.Struct, frozen=True, gc=False):
    """A written port (None: all there are) that leads nowhere at any term."""

    port: WrittenPort | None
    code: Code
    message: str


class PortTable(msgspec.Struct, frozen=True, gc=False):
    """What the ports of an entry are at each term, in the order of the terms; terms without any are left out."""

    rows: tuple[tuple[Term, Ranges], ...]
    unresolved: tuple[Unresolved, ...] = ()


Reading = Callable[[Term, WrittenPort | None], PortAnswer]


@lru_cache(maxsize=65_536)
def resolve_ports(terms: tuple[Term, ...], written: tuple[WrittenPort, ...], read: Reading) -> PortTable:
    """Resolve each written port at each term; without any, all that `read` finds.

    A port is resolved when some term that is not draining has it.
    """
    ranges: list[Ranges] = [() for _ in terms]
    unresolved: list[Unresolved] = []
    for port in written or (None,):
        found = False
        trouble: PortAnswer | None = None
        for index, term in enumerate(terms):
            answer = read(term, port)
            if answer.ranges:
                ranges[index] += answer.ranges
                found = found or not term.draining
            elif answer.code is not None and not term.draining:
                trouble = trouble or answer
        if found:
            continue
        if trouble is not None and trouble.code is not None:
            unresolved.append(Unresolved(port, trouble.code, trouble.message))
        else:
            unresolved.append(Unresolved(port, Code.PORT_NOT_FOUND, _missing(port, terms, read)))
    if not written and not unresolved and read is service_port:
        unresolved = _left_out(terms)
    rows = tuple((term, merge_ranges(r)) for term, r in zip(terms, ranges, strict=True) if r)
    return PortTable(rows, tuple(unresolved))


def service_port(term: Term, port: WrittenPort | None) -> PortAnswer:
    """The pod ports behind a port of the term's Service; of the pods themselves where no Service translates."""
    if not term.translated:
        return pod_port(term, port)
    if port is not None and port.is_range:
        return _number(port)
    numbers: set[PortRange] = set()
    for exposed, number in term.listening.services:
        if port is None or _is(port, exposed.name, exposed.port, exposed.protocol):
            numbers.add(PortRange(exposed.protocol, number, number))
    if port is not None and len(numbers) > 1:
        return _ambiguous(port, numbers)
    if not numbers:
        for refused in term.refused:
            if port is None or _is(port, refused.port.name, refused.port.port, refused.port.protocol):
                return PortAnswer((), refused.code, refused.message)
    return PortAnswer(tuple(sorted(numbers)))


def pod_port(term: Term, port: WrittenPort | None) -> PortAnswer:
    """The pods' own port of that number; a name may be a container port's or a Service port's."""
    if port is not None and port.name is None:
        return _number(port)
    readings = {
        PortRange(exposed.protocol, number, number)
        for exposed, number in term.listening.services
        if port is None or _is(port, exposed.name, 0, exposed.protocol)
    }
    readings |= {
        PortRange(listened.protocol, listened.number, listened.number)
        for listened in term.listening.pods
        if port is None or _is(port, listened.name, 0, listened.protocol)
    }
    if port is not None and len(readings) > 1:
        return _ambiguous(port, readings)
    return PortAnswer(tuple(sorted(readings)))


def _left_out(terms: tuple[Term, ...]) -> list[Unresolved]:
    """The ports of a Service that lead nowhere at any term, though others of it lead somewhere."""
    current = [term for term in terms if not term.draining]
    found: dict[WrittenPort, Unresolved] = {}
    for refused in [refused for term in current for refused in term.refused]:
        exposed = refused.port
        number = 0 if exposed.name else exposed.port
        port = WrittenPort(exposed.name, number, number, exposed.protocol)
        if not any(service_port(term, port).ranges for term in current):
            found.setdefault(port, Unresolved(port, refused.code, refused.message))
    return [found[port] for port in sorted(found, key=str)]


def _is(port: WrittenPort, name: str | None, number: int, protocol: Protocol) -> bool:
    if port.name is not None:
        return port.name == name and port.protocol in (None, protocol)
    return port.start == number and port.number_protocol == protocol


def _number(port: WrittenPort) -> PortAnswer:
    return PortAnswer((PortRange(port.number_protocol, port.start, port.end),))


def _ambiguous(port: WrittenPort, readings: set[PortRange]) -> PortAnswer:
    numbers = " or ".join(map(str, sorted(readings)))
    return PortAnswer((), Code.AMBIGUOUS_PORT, f"port {port} could mean pod port {numbers}: write the number you mean")


def _missing(port: WrittenPort | None, terms: tuple[Term, ...], read: Reading) -> str:
    if port is None:
        return "no port is known there: write `ports`"
    known = {
        f"{exposed.name} ({exposed.port})"
        if exposed.name
        else str(PortRange(exposed.protocol, exposed.port, exposed.port))
        for term in terms
        if term.translated and read is service_port
        for exposed, _ in term.listening.services
    }
    if not known:
        known = {
            f"{listened.name} ({PortRange(listened.protocol, listened.number, listened.number)})"
            if listened.name
            else str(PortRange(listened.protocol, listened.number, listened.number))
            for term in terms
            for listened in term.listening.pods
        }
    there = (
        f"the ports there are: {', '.join(sorted(known))}"
        if known
        else "no port is known there by name: write the number"
    )
    return f"there is no port {port}; {there}"
