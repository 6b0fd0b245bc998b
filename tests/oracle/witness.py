"""Pods, addresses and ports that a set of flows speaks of: questions whose answers show whether it speaks truly."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import msgspec

from servicegraph.model.policy import AddressPeer, Direction, Peer, PodPeer
from servicegraph.model.ports import Protocol
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Selector
from servicegraph.verify.ends import Address, End, NamedPort, Pod
from servicegraph.verify.portsets import PortName, PortSet
from tests.oracle.addresses import borders
from tests.oracle.cases import Case, Question, interesting_ports
from tests.oracle.compare import decide
from tests.oracle.cyclonus import Halves

STRANGER = "a-stranger"
OUTSIDE = ("8.8.8.8", "2606:4700::1111")

Namespaces = Mapping[str, Mapping[str, str]]


class Flows(NamedTuple):
    """Flows of pods of a namespace in one direction, however they came to be spoken of."""

    namespace: str
    pods: Selector
    direction: Direction
    peer: Peer
    ports: PortSet


def asked(flows: Flows, case: Case) -> Iterator[tuple[Case, Question]]:
    """Questions about flows, each with a case that has the ends for it.

    There are several where there is no particular peer, or where a port is spoken of by its name (which numbers a pod
    may give to that depends on what else is allowed): one of them has to show what is said.
    """
    for namespaces, peer in _peers(flows.peer, case, flows.namespace):
        for protocol, number, name in _ports(flows.ports, case):
            named = (NamedPort(name, protocol, number),) if name else ()
            subject = Pod(flows.namespace, labels(flows.pods), name="subject")
            if flows.direction is Direction.INGRESS:
                ends: tuple[End, End] = (peer, msgspec.structs.replace(subject, named_ports=named))
            else:
                ends = (subject, msgspec.structs.replace(peer, named_ports=named) if isinstance(peer, Pod) else peer)
            pods = tuple(end for end in ends if isinstance(end, Pod))
            addresses = tuple(end.ip for end in ends if isinstance(end, Address))
            source, destination = map(_name, ends)
            world = replace(case, namespaces=namespaces, pods=pods, addresses=addresses)
            yield world, Question(source, destination, protocol, number)


def shown(flows: Flows, old: Case, new: Case) -> tuple[Case, Question]:
    """The first question about flows that verify/ answers in two ways. Raises ValueError where there is none."""
    for case, question in asked(flows, old):
        was = decide(case, [question])[question]
        now = decide(replace(case, policies=new.policies), [question])[question]
        if half(was, flows.direction) != half(now, flows.direction):
            return case, question
    raise ValueError(f"nothing shows this: {flows}")


def half(halves: Halves, direction: Direction) -> bool:
    """The verdict at the end that a direction is about."""
    return halves.egress if direction is Direction.EGRESS else halves.ingress


def labels(selector: Selector) -> dict[str, str]:
    """Labels that a selector matches. Raises ValueError where there are none."""
    found: dict[str, str] = {}
    for key in sorted({requirement.key for requirement in selector.requirements}):
        own = [requirement for requirement in selector.requirements if requirement.key == key]
        offered = [value for r in own if r.operator is Operator.IN for value in r.values]
        for candidate in ({}, *({key: value} for value in (*offered, "some-value"))):
            if all(requirement.matches(candidate) for requirement in own):
                found |= candidate
                break
        else:
            raise ValueError(f"nothing matches {selector}")
    return found


def _peers(peer: Peer, case: Case, own: str) -> Iterator[tuple[Namespaces, Pod | Address]]:
    if isinstance(peer, AddressPeer):
        beside = [address for cidr in (peer.cidr, *peer.excluded) for address in borders(cidr)]
        yield from ((case.namespaces, Address(ip)) for ip in beside if _holds(peer, ip))
    elif isinstance(peer, PodPeer):
        for namespaces, name in _namespaces(peer.namespaces, case, own):
            yield namespaces, Pod(name, labels(peer.pods), name="peer")
    else:
        yield from ((case.namespaces, Address(ip)) for ip in (*OUTSIDE, *case.addresses))
        yield from (({**case.namespaces, name: {}}, Pod(name, name="peer")) for name in (own, STRANGER))


def _namespaces(selector: Selector | None, case: Case, own: str) -> Iterator[tuple[Namespaces, str]]:
    """Namespaces that a peer selects: those that are there, and some that are not."""
    if selector is None:
        yield case.namespaces, own
        return
    yield from ((case.namespaces, n) for n in case.namespaces if selector.matches(case.namespace_labels(n)))
    named = [r.values for r in selector.requirements if (r.key, r.operator) == (NAMESPACE_LABEL, Operator.IN)]
    wanted = labels(selector.without([NAMESPACE_LABEL]))
    for name in (*(name for names in named for name in names), STRANGER):
        if name not in case.namespaces and selector.matches({**wanted, NAMESPACE_LABEL: name}):
            yield {**case.namespaces, name: wanted}, name


def _ports(ports: PortSet, case: Case) -> Iterator[tuple[Protocol, int, str]]:
    for port in ports:
        if isinstance(port, PortName):
            yield from ((port.protocol, number, port.name) for number in (4321, *interesting_ports(case)))
        else:
            yield port.protocol, port.start, ""
            yield port.protocol, port.end, ""


def _holds(peer: AddressPeer, ip: str) -> bool:
    inside = [ip_address(ip) in ip_network(cidr) for cidr in (peer.cidr, *peer.excluded)]
    return inside[0] and not any(inside[1:])


def _name(end: End) -> str:
    return end.ip if isinstance(end, Address) else f"{end.namespace}/{end.name}"
