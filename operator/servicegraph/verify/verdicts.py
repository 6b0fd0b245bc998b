"""One question at a time: may this end talk to that one on this port, and which policies say so?

https://kubernetes.io/docs/concepts/services-networking/network-policies/. Selectors match pods and ipBlocks match
addresses, never the other way: what the API leaves open there is told in docs/proof.md. A resolver that may be asked
for some names may be asked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

import msgspec

from servicegraph.model.addresses import network
from servicegraph.model.policy import AddressPeer, Direction, EntityPeer, LookupPeer, NamePeer, PodPeer
from servicegraph.model.ports import Protocol
from servicegraph.model.selectors import NAMESPACE_LABEL
from servicegraph.verify import dnsnames
from servicegraph.verify.ends import Address, End, Pod
from servicegraph.verify.policies import NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule


class Allowance(msgspec.Struct, frozen=True):
    """The part of a policy that lets something pass. `peer` is None where the rule is for any peer."""

    policy: NetworkPolicy
    direction: Direction
    rule: int
    peer: int | None = None

    def __str__(self) -> str:
        side = "ingress" if self.direction is Direction.INGRESS else "egress"
        return f"{self.policy.key} {side}[{self.rule}]"


class Half(msgspec.Struct, frozen=True):
    """The verdict at one end. `isolated_by` are the policies that select it; with none, everything passes."""

    allowed: bool
    isolated_by: tuple[NetworkPolicy, ...] = ()
    allowed_by: tuple[Allowance, ...] = ()


OPEN = Half(True)


class Verdict(msgspec.Struct, frozen=True):
    """Whether a connection passes: both halves must let it."""

    egress: Half
    ingress: Half

    @property
    def allowed(self) -> bool:
        """Whether it passes."""
        return self.egress.allowed and self.ingress.allowed


class Policies:
    """A set of policies, and the labels of the namespaces. One that nobody described has its name as a label."""

    def __init__(
        self, policies: Mapping[str, tuple[NetworkPolicy, ...]], namespaces: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._policies = policies
        self._namespaces = namespaces

    @classmethod
    def of(
        cls, policies: Iterable[NetworkPolicy], namespaces: Mapping[str, Mapping[str, str]] | None = None
    ) -> "Policies":
        """These policies, in a canonical order."""
        found: dict[str, list[NetworkPolicy]] = defaultdict(list)
        for policy in sorted(policies, key=lambda p: p.key):
            found[policy.namespace].append(policy)
        return cls({namespace: tuple(of) for namespace, of in found.items()}, namespaces or {})

    def verdict(self, source: End, destination: End, protocol: Protocol, port: int) -> Verdict:
        """Whether `source` may open a connection to this port of `destination`."""
        if _same(source, destination):
            return Verdict(OPEN, OPEN)
        return Verdict(
            self._half(source, destination, Direction.EGRESS, destination, protocol, port),
            self._half(destination, source, Direction.INGRESS, destination, protocol, port),
        )

    def isolating(self, pod: Pod, direction: Direction) -> tuple[NetworkPolicy, ...]:
        """The policies that select a pod for a direction."""
        if pod.host_network:
            return ()
        candidates = self._policies.get(pod.namespace, ())
        return tuple(p for p in candidates if direction in p.directions and p.subject.matches(pod.labels))

    def _half(
        self, subject: End, peer: End, direction: Direction, listener: End, protocol: Protocol, port: int
    ) -> Half:
        if isinstance(subject, Address):
            return OPEN
        isolating = self.isolating(subject, direction)
        if not isolating:
            return OPEN
        allowing = tuple(
            allowance
            for policy in isolating
            for index, rule in enumerate(policy.rules(direction))
            if _on_port(rule, listener, protocol, port)
            for allowance in self._allowances(policy, direction, index, rule, peer)
        )
        return Half(bool(allowing), isolating, allowing)

    def _allowances(
        self, policy: NetworkPolicy, direction: Direction, index: int, rule: PolicyRule, end: End
    ) -> list[Allowance]:
        if rule.peers is None:
            return [Allowance(policy, direction, index)]
        return [
            Allowance(policy, direction, index, number)
            for number, peer in enumerate(rule.peers)
            if self._is(peer, policy.namespace, end)
        ]

    def _is(self, peer: PolicyPeer, own: str, end: End) -> bool:
        if isinstance(peer, LookupPeer):
            return self._is(peer.resolver, own, end)
        if not isinstance(peer, PodPeer):
            return isinstance(end, Address) and _is_outside(peer, end)
        if isinstance(end, Address) or end.host_network:
            return False
        if peer.namespaces is None:
            inside = end.namespace == own
        else:
            labels = {**self._namespaces.get(end.namespace, {}), NAMESPACE_LABEL: end.namespace}
            inside = peer.namespaces.matches(labels)
        return inside and peer.pods.matches(end.labels)


def _same(source: End, destination: End) -> bool:
    """Whether both ends are one pod: no policy comes between it and itself."""
    return isinstance(source, Pod) and bool(source.name) and source == destination


def _is_outside(peer: AddressPeer | NamePeer | EntityPeer, end: Address) -> bool:
    match peer:
        case NamePeer(pattern):
            return any(dnsnames.holds(pattern, name) for name in end.names)
        case EntityPeer(entity):
            return entity in end.entities
        case AddressPeer():
            return _holds(peer, end.ip)


def _holds(peer: AddressPeer, ip: str) -> bool:
    address = ip_address(ip)
    return address in network(peer.cidr) and not any(address in network(cidr) for cidr in peer.excluded)


def _on_port(rule: PolicyRule, listener: End, protocol: Protocol, number: int) -> bool:
    return rule.ports is None or any(_is_port(port, listener, protocol, number) for port in rule.ports)


def _is_port(port: PolicyPort, listener: End, protocol: Protocol, number: int) -> bool:
    """A name is resolved by the pod that listens, in either direction; an address has no named ports."""
    if port.protocol != protocol:
        return False
    if port.name is None:
        return port.start <= number <= port.end
    return isinstance(listener, Pod) and any(
        (named.name, named.protocol, named.number) == (port.name, protocol, number) for named in listener.named_ports
    )
