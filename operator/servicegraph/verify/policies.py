"""Policies as they are meant, whatever kind of manifest said so, with every default filled in."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from servicegraph.model.policy import AddressPeer, Direction, EntityPeer, LookupPeer, NamePeer, PodPeer
from servicegraph.model.ports import Protocol
from servicegraph.model.selectors import EVERYTHING, Selector

KIND = "NetworkPolicy"
CILIUM_KIND = "CiliumNetworkPolicy"
FIRST_PORT, LAST_PORT = 1, 65535

PolicyPeer = PodPeer | AddressPeer | NamePeer | EntityPeer | LookupPeer
"""Peers of a NetworkPolicy are pods and addresses; the others only Cilium knows."""


class PolicyKey(NamedTuple):
    """A policy by namespace and name; two of different kinds may have the same."""

    namespace: str
    name: str
    kind: str = KIND

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class PolicyPort(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """Ports of a pod: a name, or the numbers `start` to `end`, both included (all of them where no port is said)."""

    protocol: Protocol
    name: str | None = None
    start: int = FIRST_PORT
    end: int = LAST_PORT


class PolicyRule(msgspec.Struct, frozen=True, gc=False):
    """Peers and ports that are allowed together. None, never empty: any peer, every port of every protocol."""

    peers: tuple[PolicyPeer, ...] | None = None
    ports: tuple[PolicyPort, ...] | None = None


class NetworkPolicy(msgspec.Struct, frozen=True):
    """A policy. Rules of a direction that `directions` leaves out have no effect and are not kept.

    A peer's `namespaces` is None for the policy's own namespace. Rules, peers and ports keep their places, so that
    `ingress[0].from[1]` names the same thing here and in the manifest.
    """

    namespace: str
    name: str
    subject: Selector = EVERYTHING
    directions: tuple[Direction, ...] = (Direction.INGRESS,)
    ingress: tuple[PolicyRule, ...] = ()
    egress: tuple[PolicyRule, ...] = ()
    kind: str = KIND

    @property
    def key(self) -> PolicyKey:
        """What it is called."""
        return PolicyKey(self.namespace, self.name, self.kind)

    def rules(self, direction: Direction) -> tuple[PolicyRule, ...]:
        """The rules of one direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

    def place(self, direction: Direction, rule: int, peer: int | None = None) -> str:
        """Where a rule stands in the manifest, or a peer of it: `ingress[0].from[1]`, `egress[2].toFQDNs[0]`."""
        side, found = _SIDES[direction], f"{_FIELDS[direction]}[{rule}]"
        peers = self.rules(direction)[rule].peers
        if peer is None or peers is None:
            return found
        return f"{found}.{side}{_list_of(peers[peer]) if self.kind == CILIUM_KIND else ''}[{peer}]"


def name_entities(policies: Iterable[NetworkPolicy]) -> bool:
    """Whether some rule speaks of hosts as Cilium knows them: then "anywhere" means those too, each by itself."""
    rules = (rule for policy in policies for rule in (*policy.ingress, *policy.egress))
    return any(isinstance(peer, EntityPeer) for rule in rules for peer in rule.peers or ())


_FIELDS = {Direction.INGRESS: "ingress", Direction.EGRESS: "egress"}
_SIDES = {Direction.INGRESS: "from", Direction.EGRESS: "to"}


def _list_of(peer: PolicyPeer) -> str:
    """What Cilium calls peers of this form, after `from` or `to`."""
    match peer:
        case LookupPeer():
            return _list_of(peer.resolver)
        case PodPeer():
            return "Endpoints"
        case AddressPeer():
            return "CIDRSet"
        case NamePeer():
            return "FQDNs"
        case EntityPeer():
            return "Entities"
