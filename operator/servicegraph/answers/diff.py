"""What a change means in flows: who may reach whom that could not before, and who may not any more.

verify/changes compares the two sets of policies as sets of pods, one end at a time. Here the two ends of a flow come
together under the names of services, and what opens or closes only one of them is told apart: it changes no flow.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from servicegraph.answers.ends import Party, example, members_of
from servicegraph.answers.explain import parts, policies_between
from servicegraph.answers.names import Names, as_end, namespace_of, peer_text, pods_text
from servicegraph.answers.podindex import PodIndex
from servicegraph.answers.scene import Scene
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.policy import ANY_PEER, Direction, Origin, Peer, PodPeer
from servicegraph.model.ports import PortRange
from servicegraph.model.selectors import Selector
from servicegraph.verify import naming, portsets
from servicegraph.verify.causes import Cause
from servicegraph.verify.changes import Change, ChangeKind, compare
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.portsets import PortSet

_PLACE = re.compile(r"(?:ingress|egress)\[(?P<rule>\d+)\](?:\.(?:from|to)[A-Za-z]*\[(?P<peer>\d+)\])?\Z")
_WHOLE = (ChangeKind.OPENED, ChangeKind.ISOLATED)


class Reason(msgspec.Struct, frozen=True):
    """A rule that allows a flow, on the side of the change that does, and the entries behind it."""

    direction: Direction
    cause: Cause
    origins: tuple[Origin, ...] = ()


class FlowChange(msgspec.Struct, frozen=True):
    """A flow that is new, wider, narrower or gone; or an end that is isolated now, or not any more.

    `effective` is false where only this end changed and the other still does, or already did, deny the flow.
    """

    kind: ChangeKind
    source: str
    destination: str
    ports: PortSet
    reasons: tuple[Reason, ...]
    effective: bool = True


class Difference(msgspec.Struct, frozen=True):
    """Everything that changed. `relabelled` are services whose pods merely have other labels now."""

    changes: tuple[FlowChange, ...]
    relabelled: tuple[str, ...] = ()

    @property
    def widens(self) -> bool:
        """Whether anybody may reach what they could not before."""
        return any(change.kind.more and change.effective for change in self.changes)


class _Half(msgspec.Struct, frozen=True):
    """One end of a changed flow, under the names of both."""

    change: Change
    subject: str
    peer: str

    @property
    def ends(self) -> tuple[str, str]:
        return (self.subject, self.peer) if self.change.direction is Direction.EGRESS else (self.peer, self.subject)


def diff(old: Scene, new: Scene) -> Difference:
    """Compare what is in force."""
    return _Diff(old, new).result()


class _Diff:
    def __init__(self, old: Scene, new: Scene) -> None:
        self._old, self._new = old, new
        self._names = {False: Names(old), True: Names(new)}
        self._coming = PodIndex([*_coming(new)], new.namespaces)

    def result(self) -> Difference:
        """All changes under their names, the two ends of each flow together."""
        old, new = self._old, self._new
        namespaces = {**old.namespaces, **new.namespaces}
        found = compare(old.all_policies(), new.all_policies(), namespaces, [*_pods(old), *_pods(new)])
        halves = [half for change in found if (half := self._named(change)) is not None]
        gone = self._relabelled(halves)
        kept = [half for half in halves if half not in gone]
        changes = [*self._isolation(kept), *self._flows(kept, more=True), *self._flows(kept, more=False)]
        names = {half.subject for half in gone if half.change.kind in _WHOLE}
        return Difference(tuple(sorted(changes, key=_order)), tuple(sorted(names)))

    def _named(self, change: Change) -> _Half | None:
        """A change under the names of its ends; None for pods that nobody has, of ends that have others.

        Sets of pods are cut where selectors meet. A piece that holds all known pods of a rule goes by the rule's name.
        """
        new = _is_new(change.kind)
        policy, written = _rule(self._new if new else self._old, change)
        pods, peer = change.pods, change.peer
        if policy is not None:
            whole = self._whole(change.namespace, pods, policy.subject)
            if whole is None:
                return None
            pods = policy.subject if whole or (policy.subject.is_empty and pods.matches({})) else pods
        if isinstance(written, PodPeer) and isinstance(peer, PodPeer):
            own = change.namespace
            whole = self._whole(namespace_of(written, own), peer.pods, written.pods)
            if whole is None:
                return None
            peer = written if whole else peer
        elif written == ANY_PEER and peer in naming.ANYWHERE:
            peer = written
        names = [self._names[new], self._names[not new]]
        return _Half(change, pods_text(names, change.namespace, pods), peer_text(names, change.namespace, peer))

    def _whole(self, namespace: str | None, piece: Selector, whole: Selector) -> bool | None:
        """Whether a piece holds all known pods of a selector; None where it holds none of those that there are.

        Such as may come are there too: those that services select, whatever else is on them, and one without labels.
        """
        if namespace is None:
            return piece == whole
        labels = [
            pod_labels(workload)
            for scene in (self._old, self._new)
            for workload in scene.matching(namespace, whole)
            if not workload.host_network
        ]
        inside = sum(piece.matches(found) for found in labels)
        if labels and not inside and not piece.matches({}) and not self._coming.selected(namespace, piece):
            return None
        return inside == len(labels)

    def _relabelled(self, halves: list[_Half]) -> list[_Half]:
        """Changes that only say that the same pods are selected by other labels, and no pod has the old ones."""
        by_name: dict[tuple[object, ...], list[_Half]] = defaultdict(list)
        for half in halves:
            change = half.change
            by_name[change.kind in _WHOLE, change.direction, half.ends, change.ports].append(half)
        gone: list[_Half] = []
        for alike in by_name.values():
            more = [half for half in alike if half.change.kind.more]
            less = [half for half in alike if not half.change.kind.more]
            if more and less and all(self._moved(half) for half in alike):
                gone += alike
        return gone

    def _moved(self, half: _Half) -> bool:
        """Whether the labels of an end select pods on one side of the change only."""
        change = half.change
        ends = [(change.namespace, change.pods)]
        if isinstance(change.peer, PodPeer):
            ends.append((namespace_of(change.peer, change.namespace) or "", change.peer.pods))
        return any(bool(self._old.matching(*end)) != bool(self._new.matching(*end)) for end in ends)

    def _isolation(self, halves: Iterable[_Half]) -> Iterator[FlowChange]:
        for half in halves:
            if half.change.kind in _WHOLE and not self._lets_all(half.change):
                yield FlowChange(half.change.kind, *half.ends, half.change.ports, tuple(self._reasons(half)))

    def _lets_all(self, change: Change) -> bool:
        """Whether what isolates pods, or did, lets everything pass all the same."""
        scene = self._new if _is_new(change.kind) else self._old
        policies = [found for cause in change.causes if (found := _policy(scene, cause)) is not None]
        rules = (rule for policy in policies for rule in policy.rules(change.direction))
        return any(rule.peers is None and rule.ports is None for rule in rules)

    def _flows(self, halves: Iterable[_Half], *, more: bool) -> Iterator[FlowChange]:
        """Flows that are allowed on one side of the change, the new one for `more`."""
        by_ends: dict[tuple[str, str], list[_Half]] = defaultdict(list)
        for half in halves:
            if half.change.kind not in _WHOLE and half.change.kind.more is more:
                by_ends[half.ends].append(half)
        for alike in by_ends.values():
            changed, passing = _union(h.change.ports for h in alike), _union(self._passing(h, more=more) for h in alike)
            if passing:
                yield self._flow(alike, passing, effective=True)
            if stopped := portsets.less(changed, passing):
                yield self._flow(alike, stopped, effective=False)

    def _flow(self, halves: list[_Half], ports: PortSet, *, effective: bool) -> FlowChange:
        kinds = {half.change.kind for half in halves}
        kind = next((k for k in (ChangeKind.WIDENED, ChangeKind.NARROWED) if k in kinds), halves[0].change.kind)
        concerned = [half for half in halves if portsets.both(half.change.ports, ports)]
        reasons = tuple(dict.fromkeys(reason for half in concerned for reason in self._reasons(half)))
        return FlowChange(kind, *halves[0].ends, ports, reasons, effective)

    def _passing(self, half: _Half, *, more: bool) -> PortSet:
        """The ports of one end's change that the other end lets pass, on the side of the change that allows them."""
        change = half.change
        if not isinstance(change.peer, PodPeer):
            return change.ports
        scene, before = (self._new, self._old) if more else (self._old, self._new)
        mine = as_end(scene, change.namespace, change.pods)
        other = as_end(scene, namespace_of(change.peer, change.namespace), change.peer.pods)
        if mine is None or other is None:
            return change.ports
        ends = (mine, other) if change.direction is Direction.EGRESS else (other, mine)
        return tuple(p for p in change.ports if not isinstance(p, PortRange) or _passes(scene, before, *ends, p))

    def _reasons(self, half: _Half) -> Iterator[Reason]:
        change = half.change
        scene = self._new if _is_new(change.kind) else self._old
        for cause in change.causes:
            yield Reason(change.direction, cause, _origins(scene, change.direction, cause))


def _passes(scene: Scene, other: Scene, source: Party, destination: Party, port: PortRange) -> bool:
    """Whether some of these pods may do in one scene what they may not in the other."""
    here, there = (policies_between(s, source, destination) for s in (scene, other))
    return any(
        here.verdict(a.end, b.end, part.protocol, part.start).allowed
        and not there.verdict(a.end, b.end, part.protocol, part.start).allowed
        for a in source.members
        for b in destination.members
        for part in parts(port, b, (here, there), a)
    )


def _is_new(kind: ChangeKind) -> bool:
    """Whether the policies that cause a change are the new ones."""
    return kind in (ChangeKind.ADDED, ChangeKind.WIDENED, ChangeKind.ISOLATED)


def _rule(scene: Scene, change: Change) -> tuple[NetworkPolicy | None, Peer | None]:
    """The policy that causes a change, and the peer that its rule names, where it is one rule."""
    for cause in change.causes:
        policy = _policy(scene, cause)
        match = _PLACE.match(cause.place)
        if policy is None or match is None:
            return policy, None
        rule = policy.rules(change.direction)[int(match["rule"])]
        return policy, rule.peers[int(match["peer"])] if rule.peers and match["peer"] else ANY_PEER
    return None, None


def _policy(scene: Scene, cause: Cause) -> NetworkPolicy | None:
    return next((p for p in scene.in_force(cause.policy.namespace) if p.key == cause.policy), None)


def _union(several: Iterable[PortSet]) -> PortSet:
    found: PortSet = ()
    for ports in several:
        found = portsets.union(found, ports)
    return found


def _origins(scene: Scene, direction: Direction, cause: Cause) -> tuple[Origin, ...]:
    match = _PLACE.match(cause.place)
    policy = _policy(scene, cause)
    if match is None or policy is None:
        return ()
    return scene.behind(policy, direction, int(match["rule"]), int(match["peer"]) if match["peer"] else None)


def _pods(scene: Scene) -> Iterator[Pod]:
    for key in scene.services():
        for member in members_of(key, scene):
            if isinstance(member.end, Pod) and member.end.named_ports:
                yield member.end


def _coming(scene: Scene) -> Iterator[Pod]:
    for key in scene.services():
        yield from (Pod(key.namespace, example(term.selector)) for term in scene.subject(key).terms)


def _order(change: FlowChange) -> tuple[object, ...]:
    kinds = list(ChangeKind)
    return (not change.effective, kinds.index(change.kind), change.source, change.destination, str(change.ports))
