"""Which entry of a graph, or which rule of a policy, is behind a flow."""

from collections.abc import Iterator
from typing import NamedTuple

from servicegraph.model.addresses import EVERYWHERE
from servicegraph.model.policy import ANY_PEER, AddressPeer, Declared, Direction, NamePeer, Origin, Peer, PodPeer
from servicegraph.model.selectors import EVERYTHING, Selector
from servicegraph.verify import addresssets, classes, portsets
from servicegraph.verify.grants import Grant, View
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.surplus import Excess

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


def declared_flows(said: Declared, grant: Grant, view: View) -> Iterator[DeclaredFlow]:
    """The parts of a grant by the entries that declare them."""
    named = False
    for flow in said.flows:
        if flow.direction is view.direction:
            for common in _common(flow.peer, portsets.of_flow(flow.ports), grant, view):
                named = True
                yield from (DeclaredFlow(peer, common.ports, flow.origin) for peer in peers_of(common, view))
    if not named:
        yield from (DeclaredFlow(peer, grant.ports, None) for peer in peers_of(grant, view))


def rule_flows(policy: NetworkPolicy, excess: Excess, view: View) -> Iterator[RuleFlow]:
    """The parts of a grant by the rules of a policy that open them."""
    field, side = ("ingress", "from") if view.direction is Direction.INGRESS else ("egress", "to")
    for number, rule in enumerate(policy.rules(view.direction)):
        ports = portsets.of_rule(rule.ports)
        for index, peer in enumerate(rule.peers or (ANY_PEER,)):
            place = f"{field}[{number}].{side}[{index}]" if rule.peers else f"{field}[{number}]"
            for common in _common(peer, ports, excess.grant, view, excess.pods):
                yield from (RuleFlow(found, common.ports, place, peer) for found in peers_of(common, view))


def peers_of(grant: Grant, view: View) -> tuple[Peer, ...]:
    """The peers of a grant in the words of a policy."""
    match grant.peers:
        case Selector():
            return (classes.to_peer(grant.peers, view.own),)
        case NamePeer():
            return (grant.peers,)
        case addresses:
            return addresssets.to_peers(addresses)


def _common(peer: Peer, ports: PortSet, grant: Grant, view: View, pods: Selector = EVERYTHING) -> Iterator[Grant]:
    for part in view.grants(peer, ports):
        for written in dict.fromkeys((part, view.numbered(part, pods))):
            common = view.both(written, grant)
            if common is not None:
                yield common
