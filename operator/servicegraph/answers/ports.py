"""Which ports a question is about, and which of them policies tell apart."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from servicegraph.answers.ends import Member, Party
from servicegraph.compiler.ports import pod_port, resolve_ports, service_port
from servicegraph.model.ports import PROTOCOLS, PortRange, WrittenPort, merge_ranges, parse_port
from servicegraph.model.problems import Code
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import FIRST_PORT, LAST_PORT, NetworkPolicy, PolicyPort


class Asked(msgspec.Struct, frozen=True):
    """The port of a question as numbers of the pods; `note` says what was made of it."""

    ranges: tuple[PortRange, ...]
    note: str = ""


def asked(text: str, destination: Party) -> Asked:
    """What PORT means at TO: a port of its Service, by number or name, else one of the pods. Raises ValueError."""
    port = parse_port(int(text) if text.isdigit() else text)
    if not destination.terms:
        if port.name is None:
            return Asked((PortRange(port.number_protocol, port.start, port.end),))
        return Asked(_named(port, destination))
    table = resolve_ports(destination.terms, (port,), service_port)
    ranges = merge_ranges(tuple(r for _, found in table.rows for r in found))
    if ranges:
        translated = port.name is None and ranges != (PortRange(port.number_protocol, port.start, port.end),)
        note = f"port {port} of the Service is {' and '.join(map(str, ranges))} of the pods" if translated else ""
        return Asked(ranges, note)
    own = resolve_ports(destination.terms, (port,), pod_port)
    ranges = merge_ranges(tuple(r for _, found in own.rows for r in found))
    if not ranges:
        raise ValueError(f"{destination.text}: {table.unresolved[0].message}")
    missing = table.unresolved[0].code is Code.PORT_NOT_FOUND
    return Asked(ranges, f"{port} is no port of the Service: it is read as one of the pods" if missing else "")


def _named(port: WrittenPort, destination: Party) -> tuple[PortRange, ...]:
    found = {
        PortRange(p.protocol, p.number, p.number)
        for member in destination.members
        for p in member.ports
        if p.name == port.name and port.protocol in (None, p.protocol)
    }
    if not found:
        raise ValueError(f"{destination.text} has no port {port}: write the number")
    return tuple(sorted(found))


def listened(destination: Party) -> tuple[PortRange, ...]:
    """What the pods of an end say they listen on."""
    found = {PortRange(p.protocol, p.number, p.number) for member in destination.members for p in member.ports}
    for term in destination.terms:
        found |= {PortRange(port.protocol, number, number) for port, number in term.listening.services}
    return tuple(sorted(found))


def segments(policies: Iterable[NetworkPolicy], listener: Member, apart: Iterable[PortRange]) -> list[PortRange]:
    """All ports of all protocols, cut wherever a rule or one of `apart` begins or ends: inside, verdicts are equal."""
    cuts: dict[str, set[int]] = {protocol: {FIRST_PORT, LAST_PORT + 1} for protocol in PROTOCOLS}
    for found in (*apart, *_told_apart(policies, listener)):
        cuts[found.protocol].update((found.start, found.end + 1))
    return [
        PortRange(protocol, start, end - 1) for protocol in PROTOCOLS for start, end in pairwise(sorted(cuts[protocol]))
    ]


def joined(ranges: Iterable[PortRange]) -> tuple[PortRange, ...]:
    """The same ports, neighbours joined."""
    found: list[PortRange] = []
    for item in sorted(ranges, key=lambda r: (PROTOCOLS.index(r.protocol), r.start)):
        last = found[-1] if found else None
        if last is not None and last.protocol == item.protocol and last.end + 1 == item.start:
            found[-1] = PortRange(last.protocol, last.start, item.end)
        else:
            found.append(item)
    return tuple(found)


def _told_apart(policies: Iterable[NetworkPolicy], listener: Member) -> Iterator[PortRange]:
    ports = {
        port
        for policy in policies
        for rules in (policy.ingress, policy.egress)
        for rule in rules
        for port in rule.ports or ()
    }
    for port in ports:
        if port.name is None:
            yield PortRange(port.protocol, port.start, port.end)
        else:
            yield from _numbers(port, listener)


def _numbers(port: PolicyPort, listener: Member) -> Iterator[PortRange]:
    for named in listener.end.named_ports if isinstance(listener.end, Pod) else ():
        if (named.name, named.protocol) == (port.name, port.protocol):
            yield PortRange(named.protocol, named.number, named.number)
