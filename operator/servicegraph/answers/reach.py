"""Which services reach which: the policies in force as a graph, built from sets and not from pairs.

Between two services stands what lets one reach the other: an entry of a graph, a rule of a policy, or that nothing
isolates an end. That is a node too, so that the same algorithms speak of calls as of services.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from servicegraph.answers.ends import Member, members_of
from servicegraph.answers.podindex import PodIndex, isolating
from servicegraph.answers.scene import Scene
from servicegraph.model.policy import ANY_PEER, Direction, LookupPeer, Origin, Peer, PodPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import NetworkPolicy, PolicyKey, PolicyPort

Ports = tuple[PolicyPort, ...] | None


class Via(NamedTuple):
    """What lets one service reach another.

    `owner` writes the entry, or is the end that a rule is about. `origin` is the entry; without one it is the rule
    `rule` of `policy`, and without that too nothing isolates one of the ends.
    """

    owner: ServiceKey | None
    origin: Origin | None = None
    policy: PolicyKey | None = None
    rule: str = ""


NOTHING = Via(None)
"""Nothing stands between one end and the other: the caller is open, or the callee is."""


class _Grant(NamedTuple):
    """A rule, or one peer of it, at one pod."""

    policy: NetworkPolicy
    number: int
    peer: Peer
    ports: Ports


class _Side:
    """What the policies of one direction let each pod do; `open` pods nothing isolates."""

    def __init__(self, pods: int) -> None:
        self.open: set[int] = set(range(pods))
        self.anyone: dict[int, list[_Grant]] = defaultdict(list)
        self.peers: dict[int, dict[int, list[_Grant]]] = defaultdict(lambda: defaultdict(list))
        self.outside: dict[int, list[_Grant]] = defaultdict(list)


class Reach:
    """Services, and the edges between them: (caller, what lets it, callee).

    `enters` are services that something outside the cluster may reach, `leaves` those that may reach something outside.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.services: dict[ServiceKey, tuple[Member, ...]] = _services(scene)
        self._owners: list[ServiceKey] = []
        self._pods: list[Pod] = []
        for key, members in self.services.items():
            for member in members:
                if isinstance(member.end, Pod):
                    self._owners.append(key)
                    self._pods.append(member.end)
        index = PodIndex(self._pods, scene.namespaces)
        selecting = isolating(scene.all_policies(), index)
        self._out = self._side(Direction.EGRESS, selecting, index)
        self._into = self._side(Direction.INGRESS, selecting, index)
        self.enters = {self._owners[n] for n in self._outsiders(self._into)}
        self.leaves = {self._owners[n] for n in self._outsiders(self._out)}

    def edges(self) -> Iterator[tuple[ServiceKey, Via, ServiceKey]]:
        """Every edge once or more; those through NOTHING stand for all pairs of their ends."""
        for a, b, via in self._explicit():
            caller, callee = self._owners[a], self._owners[b]
            if caller != callee:
                yield caller, via, callee

    def through_nothing(self) -> Iterator[tuple[set[ServiceKey], set[ServiceKey]]]:
        """Callers and callees, all pairs of which are edges: one end is open, the other open or for anybody."""
        anybody = self._into.open | self._into.anyone.keys()
        anywhere = self._out.open | {n for n, g in self._out.anyone.items() if g}
        yield self._names(self._out.open), self._names(anybody)
        yield self._names(anywhere), self._names(self._into.open)

    def _names(self, numbers: Iterable[int]) -> set[ServiceKey]:
        return {self._owners[number] for number in numbers if not self._pods[number].host_network}

    def _outsiders(self, side: _Side) -> set[int]:
        return side.open | side.anyone.keys() | side.outside.keys()

    def _side(self, direction: Direction, selecting: Mapping[int, list[NetworkPolicy]], index: PodIndex) -> _Side:
        side = _Side(len(self._pods))
        for number, policies in selecting.items():
            for policy in policies:
                if direction not in policy.directions:
                    continue
                side.open.discard(number)
                for place, rule in enumerate(policy.rules(direction)):
                    for peer in rule.peers or (ANY_PEER,):
                        grant = _Grant(policy, place, peer, rule.ports)
                        listener = peer.resolver if isinstance(peer, LookupPeer) else peer
                        if rule.peers is None:
                            side.anyone[number].append(grant)
                        elif isinstance(listener, PodPeer):
                            for other in index.of_peer(listener, policy.namespace):
                                side.peers[number][other].append(grant)
                        else:
                            side.outside[number].append(grant)
        return side

    def _explicit(self) -> Iterator[tuple[int, int, Via]]:
        """Edges that some rule names, with the caller's entry where it has one, else with the callee's."""
        out, into = self._out, self._into
        for a, others in out.peers.items():
            for b, grants in others.items():
                for grant in grants:
                    if self._admits(b, a, grant.ports):
                        for via in self._vias(a, Direction.EGRESS, grant):
                            yield a, b, via
        for b, others in into.peers.items():
            for a, grants in others.items():
                for grant in grants:
                    if a in out.open or any(self._meet(g.ports, grant.ports, b) for g in out.anyone.get(a, ())):
                        for via in self._vias(b, Direction.INGRESS, grant):
                            yield a, b, via
        for a, leaving in out.anyone.items():
            for b, entering in into.anyone.items():
                if any(self._meet(g.ports, h.ports, b) for g in leaving for h in entering):
                    yield a, b, NOTHING

    def _admits(self, callee: int, caller: int, ports: Ports) -> bool:
        if callee in self._into.open:
            return True
        grants = (*self._into.anyone.get(callee, ()), *self._into.peers[callee].get(caller, ()))
        return any(self._meet(ports, grant.ports, callee) for grant in grants)

    def _meet(self, one: Ports, other: Ports, listener: int) -> bool:
        if one is None or other is None or one == other:
            return True
        return any(
            a.protocol == b.protocol and a.start <= b.end and b.start <= a.end
            for a in self._numbers(one, listener)
            for b in self._numbers(other, listener)
        )

    def _numbers(self, ports: tuple[PolicyPort, ...], listener: int) -> Iterator[PolicyPort]:
        for port in ports:
            if port.name is None:
                yield port
            else:
                for named in self._pods[listener].named_ports:
                    if (named.name, named.protocol) == (port.name, port.protocol):
                        yield PolicyPort(port.protocol, None, named.number, named.number)

    def _vias(self, owner: int, direction: Direction, grant: _Grant) -> list[Via]:
        key = self._owners[owner]
        origins = self._scene.declared_for(grant.policy, direction, grant.peer)
        if origins:
            return [Via(key, origin) for origin in origins]
        return [Via(key, None, grant.policy.key, f"{direction.value.lower()}[{grant.number}]")]


def _services(scene: Scene) -> dict[ServiceKey, tuple[Member, ...]]:
    """Every service with pods of its own: those of graphs first, then what adds pods that none of them has."""
    known = scene.services()
    ordered = sorted(known, key=lambda key: (scene.declared(key) is None, key))
    taken: set[tuple[str, str]] = set()
    found: dict[ServiceKey, tuple[Member, ...]] = {}
    for key in ordered:
        members = members_of(key, scene)
        names = {(key.namespace, member.text) for member in members}
        if members and not names <= taken:
            taken |= names
            found[key] = members
    return found
