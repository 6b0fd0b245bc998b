"""The policies of a picture: those in force and those that DryRun holds back, and the services each selects."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from servicegraph.answers.names import ANYWHERE, Names, namespace_of, peer_text
from servicegraph.answers.podindex import PodIndex, isolating
from servicegraph.answers.reach import Reach
from servicegraph.answers.scene import Scene, emitted
from servicegraph.compiler.entries import selector_text
from servicegraph.model.policy import Direction, Mode, Origin, PodPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.report.document import Peer, Policy, Rule
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import FIRST_PORT, LAST_PORT, NetworkPolicy, PolicyKey, PolicyPeer, PolicyPort

PolicyPlace = Callable[[PolicyKey], tuple[str, int]]
"""File and line of a policy that was found; ("", 0) where it was compiled."""

Numbers = Callable[[Iterable[Origin]], tuple[int, ...]]
"""Entries as places in the list of origins."""


class Listed(msgspec.Struct, frozen=True):
    """The list, and by service the places in it of the policies that select its pods."""

    policies: tuple[Policy, ...]
    number: dict[PolicyKey, int]
    selecting: dict[ServiceKey, tuple[int, ...]]


def policy_list(scene: Scene, reach: Reach, names: Names, place: PolicyPlace, numbers: Numbers) -> Listed:
    """By namespace and name, what is held back after what is in force."""
    in_force = scene.all_policies()
    written = {policy.key for policy in in_force}
    held_back = [emitted(policy) for policy in scene.compilation().policies if policy.mode is Mode.DRY_RUN]
    ordered = sorted(in_force, key=lambda p: p.key) + [policy for policy in held_back if policy.key not in written]
    writer = _Writer(scene, names, place, numbers)
    policies = tuple(writer.policy(policy, policy.key in written) for policy in ordered)
    number = {policy.key: n for n, policy in enumerate(ordered)}
    return Listed(policies, number, _selecting(scene, reach, ordered, number))


def _selecting(
    scene: Scene, reach: Reach, policies: Iterable[NetworkPolicy], number: dict[PolicyKey, int]
) -> dict[ServiceKey, tuple[int, ...]]:
    pods = [
        (key, member.end)
        for key, members in reach.services.items()
        for member in members
        if isinstance(member.end, Pod)
    ]
    index = PodIndex([pod for _, pod in pods], scene.namespaces)
    found: dict[ServiceKey, set[int]] = defaultdict(set)
    for pod, selecting in isolating(policies, index).items():
        found[pods[pod][0]].update(number[policy.key] for policy in selecting)
    return {key: tuple(sorted(places)) for key, places in found.items()}


class _Writer:
    def __init__(self, scene: Scene, names: Names, place: PolicyPlace, numbers: Numbers) -> None:
        self._scene, self._names, self._place, self._numbers = scene, names, place, numbers

    def policy(self, policy: NetworkPolicy, in_force: bool) -> Policy:
        file, line = self._place(policy.key)
        return Policy(
            policy.namespace,
            policy.name,
            "every pod" if policy.subject.is_empty else f"pods {selector_text(policy.subject)}",
            in_force,
            self._scene.is_compiled(policy.key),
            tuple(direction.value for direction in policy.directions),
            self._rules(policy, Direction.INGRESS),
            self._rules(policy, Direction.EGRESS),
            file,
            line,
        )

    def _rules(self, policy: NetworkPolicy, direction: Direction) -> tuple[Rule, ...]:
        return tuple(
            Rule(self._peers(policy, direction, number), port_texts(rule.ports))
            for number, rule in enumerate(policy.rules(direction))
        )

    def _peers(self, policy: NetworkPolicy, direction: Direction, number: int) -> tuple[Peer, ...]:
        peers = policy.rules(direction)[number].peers
        if peers is None:
            return (Peer(ANYWHERE, None, self._numbers(self._scene.behind(policy, direction, number, None))),)
        return tuple(
            Peer(
                peer_text([self._names], policy.namespace, peer),
                self._node(peer, policy.namespace),
                self._numbers(self._scene.behind(policy, direction, number, place)),
            )
            for place, peer in enumerate(peers)
        )

    def _node(self, peer: PolicyPeer, own: str) -> str | None:
        place = namespace_of(peer, own) if isinstance(peer, PodPeer) else None
        if not isinstance(peer, PodPeer) or place is None or not self._names.exactly(place, peer.pods):
            return None
        return str(self._names.service(place, peer.pods))


def port_texts(ports: tuple[PolicyPort, ...] | None) -> tuple[str, ...]:
    """The ports of a rule; none for every port."""
    return tuple(map(_port_text, ports or ()))


def _port_text(port: PolicyPort) -> str:
    if port.name is None and (port.start, port.end) == (FIRST_PORT, LAST_PORT):
        return f"every {port.protocol} port"
    text = port.name or (str(port.start) if port.start == port.end else f"{port.start}-{port.end}")
    return text if port.protocol == "TCP" else f"{text}/{port.protocol}"
