"""Which entry of a graph, or which rule of a policy, is behind a flow."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from servicegraph.model.addresses import EVERYWHERE
from servicegraph.model.policy import (
    ANY_PEER,
    AddressPeer,
    Declared,
    EntityPeer,
    LookupPeer,
    NamePeer,
    Origin,
    Peer,
    PodPeer,
)
from servicegraph.model.selectors import EVERYTHING, Selector
from servicegraph.verify import addresssets, classes, portsets
from servicegraph.verify.addresssets import AddressSet
from servicegraph.verify.grants import Grant, View
from servicegraph.verify.index import SelectorIndex
from servicegraph.verify.peersets import LookupSet
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.surplus import Excess, Terms

ANYWHERE: frozenset[Peer] = frozenset(
    {PodPeer(EVERYTHING, EVERYTHING), *(AddressPeer(cidr) for cidr in EVERYWHERE)},
)
"""Peers that are together any peer at all."""


class DeclaredFlow(NamedTuple):
    """A part of a declared flow."""

    peer: Peer
    ports: PortSet
    origin: Origin | None


class RuleFlow(NamedTuple):
    """A part of what a rule allows its peer `whole`. `place` names it in the manifest."""

    peer: Peer
    ports: PortSet
    place: str
    whole: Peer


class _Part(NamedTuple):
    """A grant that comes from one entry or rule, in its order."""

    number: int
    grant: Grant
    whole: Peer
    origin: Origin | None
    place: str


class Parts:
    """The grants of a declaration or a policy in one direction, found by what they have in common with another."""

    def __init__(self, parts: Iterable[tuple[Peer, PortSet, Origin | None, str]], view: View) -> None:
        self._view = view
        self._pods: dict[Selector, list[_Part]] = defaultdict(list)
        self._rest: list[_Part] = []
        for number, (peer, ports, origin, place) in enumerate(parts):
            for grant in view.grants(peer, ports):
                part = _Part(number, grant, peer, origin, place)
                (self._pods[grant.peers] if isinstance(grant.peers, Selector) else self._rest).append(part)
        self._index = SelectorIndex(self._pods)

    @classmethod
    def declared(cls, said: Declared, view: View) -> "Parts":
        """Those of a declaration."""
        flows = (flow for flow in said.flows if flow.direction is view.direction)
        return cls(((flow.peer, portsets.of_flow(flow.ports), flow.origin, "") for flow in flows), view)

    @classmethod
    def policy(cls, policy: NetworkPolicy, view: View) -> "Parts":
        """Those of a policy; places are as in `ingress[0].from[1]`."""
        found: list[tuple[Peer, PortSet, Origin | None, str]] = []
        for number, rule in enumerate(policy.rules(view.direction)):
            ports = portsets.of_rule(rule.ports)
            for n, peer in enumerate(rule.peers) if rule.peers is not None else ((None, ANY_PEER),):
                found.append((peer, ports, None, policy.place(view.direction, number, n)))
        return cls(found, view)

    def common(self, grant: Grant, pods: Selector) -> Iterator[tuple[_Part, Grant]]:
        """The parts with what they have in common with a grant to pods of a class; names of ports as numbers too."""
        match grant.peers:
            case Selector() as asked:
                found = self._on(asked)
            case LookupSet(Selector() as asked, _):
                found = self._on(asked) + self._rest
            case _:
                found = self._rest
        for part in sorted(found, key=lambda part: part.number):
            for written in dict.fromkeys((part.grant, self._view.numbered(part.grant, pods))):
                common = self._view.both(written, grant)
                if common is not None:
                    yield part, common

    def _on(self, pods: Selector) -> list[_Part]:
        return [part for peers in self._index.overlapping(pods) for part in self._pods[peers]]


def declared_flows(parts: Parts, excess: Excess, view: View) -> Iterator[DeclaredFlow]:
    """The parts of an excess by the entries that declare them."""
    named = False
    for part, common in parts.common(excess.grant, excess.pods):
        named = True
        yield from (DeclaredFlow(peer, common.ports, part.origin) for peer in peers_of(common, view))
    if not named:
        yield from (DeclaredFlow(peer, excess.grant.ports, None) for peer in peers_of(excess.grant, view))


def rule_flows(parts: Parts, excess: Excess, truths: Terms, view: View) -> Iterator[RuleFlow]:
    """The parts of an excess by the rules of a policy that open them, each beyond what the other side allows."""
    for part, common in parts.common(excess.grant, excess.pods):
        if view.remaining(common, truths.term(excess.truth), excess.pods):
            for peer in peers_of(common, view):
                yield RuleFlow(peer, common.ports, part.place, part.whole)


def peers_of(grant: Grant, view: View) -> tuple[Peer, ...]:
    """The peers of a grant in the words of a policy."""
    match grant.peers:
        case LookupSet(where, names):
            return tuple([LookupPeer(resolver, names) for resolver in _pods_or_addresses(where, view)])
        case NamePeer() | EntityPeer():
            return (grant.peers,)
        case known:
            return _pods_or_addresses(known, view)


def _pods_or_addresses(found: Selector | AddressSet, view: View) -> tuple[PodPeer | AddressPeer, ...]:
    return (classes.to_peer(found, view.own),) if isinstance(found, Selector) else addresssets.to_peers(found)
