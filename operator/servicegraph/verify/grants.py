"""What is allowed, as an algebra: sets of peers, each with its ports."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from servicegraph.model.policy import AddressPeer, Direction, EntityPeer, LookupPeer, NamePeer, Peer, PodPeer
from servicegraph.model.ports import PortRange, merge_ranges
from servicegraph.model.selectors import EVERYTHING, Selector
from servicegraph.verify import addresssets, classes, peersets, portsets
from servicegraph.verify.addresssets import AddressSet
from servicegraph.verify.classes import Namespaces, Steps
from servicegraph.verify.ends import NamedPort, Pod
from servicegraph.verify.index import SelectorIndex
from servicegraph.verify.peersets import ENTITIES, LookupSet, PeerSet
from servicegraph.verify.portsets import PortName, PortSet

Allowed = Mapping[Peer, PortSet]

_FEW = 8
"""Grants that are taken out of another one by one; with more, what is left would be in too many pieces."""


class Grant(NamedTuple):
    """Peers and ports that are allowed together."""

    peers: PeerSet
    ports: PortSet


class World:
    """What is known of namespaces, and of pods for the sake of their named ports."""

    def __init__(
        self, namespaces: Mapping[str, Mapping[str, str]], pods: Iterable[Pod] = (), *, entities: bool = False
    ) -> None:
        self.namespaces = Namespaces(namespaces)
        self.entities = entities
        self._pods = _Pods(
            ({**pod.labels, **self.namespaces.labels(pod.namespace)}, pod.named_ports)
            for pod in pods
            if not pod.host_network
        )
        self._numbers: dict[tuple[PortName, Selector], list[set[int]]] = {}

    def surely(self, name: PortName, pods: Selector) -> tuple[PortRange, ...]:
        """The number that a name means to all of the known pods of a class, if there are any and they agree."""
        found = self._numbered(name, pods)
        numbers = set().union(*found)
        return _ranges(name, numbers) if len(numbers) == 1 and all(found) else ()

    def perhaps(self, name: PortName, pods: Selector) -> tuple[PortRange, ...] | None:
        """Every number that a name means to some known pod of a class; None where no pod of it is known."""
        found = self._numbered(name, pods)
        return _ranges(name, set().union(*found)) if found else None

    def _numbered(self, name: PortName, pods: Selector) -> list[set[int]]:
        """The numbers of a name, pod by pod."""
        found = self._numbers.get((name, pods))
        if found is None:
            found = self._numbers[name, pods] = [
                {p.number for p in ports if (p.protocol, p.name) == (name.protocol, name.name)}
                for ports in self._pods.matching(pods)
            ]
        return found


class _Pods:
    """The named ports of known pods, found by labels."""

    def __init__(self, pods: Iterable[tuple[Mapping[str, str], tuple[NamedPort, ...]]]) -> None:
        self._pods = list(pods)
        self._by_label: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, (labels, _) in enumerate(self._pods):
            for label in labels.items():
                self._by_label[label].append(number)

    def matching(self, pods: Selector) -> Iterator[tuple[NamedPort, ...]]:
        """The named ports of each pod of a class."""
        pinned = [self._by_label.get(label, []) for label in pods.labels().items()]
        candidates = min(pinned, key=len) if pinned else list(range(len(self._pods)))
        for number in candidates:
            labels, ports = self._pods[number]
            if pods.matches(labels):
                yield ports


class View:
    """The world as the policies of one namespace see it in one direction.

    What takes too many steps of `steps` raises TangledError.
    """

    def __init__(self, world: World, own: str, direction: Direction) -> None:
        self.world, self.own, self.direction = world, own, direction
        self.steps = Steps()
        self._possible = world.namespaces.possible

    def grants(self, peer: Peer, ports: PortSet) -> Iterator[Grant]:
        """What a peer and its ports allow. Addresses have no named ports."""
        match peer:
            case PodPeer():
                pods = classes.of_peer(peer, self.own)
                if self._possible(pods):
                    yield Grant(pods, ports)
            case AddressPeer():
                yield Grant(addresssets.of_peer(peer), self._of_addresses(ports))
            case NamePeer() | EntityPeer():
                yield Grant(peer, self._of_addresses(ports))
            case LookupPeer():
                for grant in self.grants(peer.resolver, ports):
                    if isinstance(grant.peers, Selector | AddressSet):
                        yield Grant(LookupSet(grant.peers, peer.names), grant.ports)
            case _:
                yield Grant(EVERYTHING, ports)
                yield Grant(addresssets.everywhere(), self._of_addresses(ports))
                if self.world.entities:
                    yield from (Grant(entity, self._of_addresses(ports)) for entity in ENTITIES)

    def _of_addresses(self, ports: PortSet) -> PortSet:
        return portsets.numbers(ports) if self.direction is Direction.EGRESS else ports

    def both(self, one: Grant, other: Grant) -> Grant | None:
        """What both allow."""
        peers = peersets.both(one.peers, other.peers, self._possible)
        ports = portsets.both(one.ports, other.ports)
        return Grant(peers, ports) if peers is not None and ports else None

    def meets(self, one: Grant, other: Grant) -> bool:
        """Whether some peer is in both."""
        return peersets.both(one.peers, other.peers, self._possible) is not None

    def less(self, one: Grant, other: Grant, subject: Selector) -> list[Grant]:
        """What one allows and the other does not, at pods of a class."""
        common = peersets.both(one.peers, other.peers, self._possible)
        if common is None:
            return [one]
        left = portsets.less(one.ports, self._sure(other.ports, common, subject))
        if left == one.ports:
            return [one]
        pieces = [Grant(piece, one.ports) for piece in peersets.less(one.peers, other.peers, self._possible)]
        return [*pieces, Grant(common, left)] if left else pieces

    def remaining(self, grant: Grant, term: "Term", subject: Selector) -> list[Grant]:
        """What a grant allows and a term does not. Names become numbers where pods are known.

        Where a term has very many of the peers, some are left in that the term allows.
        """
        found: list[Grant] = []
        for left in self._beyond(grant, term, subject):
            numbers = self.numbered(left, subject)
            if numbers == left:
                found.append(left)
            elif numbers.ports:
                found += self._beyond(numbers, term, subject)
        return found

    def numbered(self, grant: Grant, subject: Selector) -> Grant:
        """The grant with names replaced by every number that they may mean; those of pods nobody knows stay."""
        names = portsets.names(grant.ports)
        if not names:
            return grant
        pods = self._listening(grant.peers, subject)
        kept: list[PortName] = []
        numbers = list(portsets.numbers(grant.ports))
        for name in names:
            meant = self.world.perhaps(name, pods) if pods is not None else ()
            if meant is None:
                kept.append(name)
            else:
                numbers += meant
        return Grant(grant.peers, (*merge_ranges(tuple(numbers)), *kept))

    def _beyond(self, grant: Grant, term: "Term", subject: Selector) -> list[Grant]:
        others = [other for other in term.touching(grant) if self._takes(other, grant, subject)]
        if not isinstance(grant.peers, Selector) or len(others) <= _FEW:
            found = [grant] if grant.ports else []
            for other in others:
                found = [piece for left in found for piece in self.less(left, other, subject)]
            return found
        pods = [other.peers for other in others if isinstance(other.peers, Selector)]
        if classes.outside(grant.peers, pods, self.steps, self.world.namespaces) is not None:
            return [grant]
        found = []
        for other in others:
            common = peersets.both(grant.peers, other.peers, self._possible)
            left = portsets.less(grant.ports, self._sure(other.ports, other.peers, subject))
            if common is not None and left:
                found += self._beyond(Grant(common, left), term, subject)
        return found

    def _takes(self, other: Grant, grant: Grant, subject: Selector) -> bool:
        return portsets.less(grant.ports, self._sure(other.ports, other.peers, subject)) != grant.ports

    def _sure(self, ports: PortSet, peers: PeerSet, subject: Selector) -> PortSet:
        """The set with the numbers that its names mean for sure."""
        names = portsets.names(ports)
        pods = self._listening(peers, subject) if names else None
        if pods is None:
            return ports
        sure = tuple(number for name in names for number in self.world.surely(name, pods))
        return (*merge_ranges(portsets.numbers(ports) + sure), *names)

    def _listening(self, peers: PeerSet, subject: Selector) -> Selector | None:
        """The pods whose names of ports count: those of the destination."""
        if self.direction is Direction.INGRESS:
            return classes.of_peer(PodPeer(subject), self.own)
        return peers if isinstance(peers, Selector) else None


class Term:
    """All that one selector allows, and quick to ask."""

    def __init__(self, allowed: Allowed, view: View) -> None:
        self._pods: dict[Selector, list[Grant]] = {}
        self._rest: list[Grant] = []
        for peer, ports in allowed.items():
            for grant in view.grants(peer, ports):
                if isinstance(grant.peers, Selector):
                    self._pods.setdefault(grant.peers, []).append(grant)
                else:
                    self._rest.append(grant)
        self._index = SelectorIndex(self._pods)

    def touching(self, grant: Grant) -> list[Grant]:
        """The grants that could have something in common with this one."""
        match grant.peers:
            case Selector() as pods:
                return self._on(pods)
            case LookupSet(Selector() as pods, _):
                return self._on(pods) + self._rest
            case _:
                return self._rest

    def _on(self, pods: Selector) -> list[Grant]:
        return [found for known in self._index.overlapping(pods) for found in self._pods[known]]


def _ranges(name: PortName, numbers: set[int]) -> tuple[PortRange, ...]:
    return tuple(PortRange(name.protocol, number, number) for number in sorted(numbers))
