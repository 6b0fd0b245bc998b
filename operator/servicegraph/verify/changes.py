"""What a change of policies means in flows: sets of them that are allowed now and were not, and the other way round."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from servicegraph.model.policy import ANY_PEER, Direction, Peer
from servicegraph.model.selectors import Selector
from servicegraph.verify import classes, naming, portsets, sides
from servicegraph.verify.causes import Cause
from servicegraph.verify.ends import Pod
from servicegraph.verify.grants import View, World
from servicegraph.verify.naming import Parts
from servicegraph.verify.policies import NetworkPolicy, PolicyKey, name_entities
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.surplus import Terms, surplus


class ChangeKind(StrEnum):
    """Added and Removed: a peer that had nothing before, or has nothing left. Widened and Narrowed: other ports.

    Opened: pods that were isolated are not any more. Isolated: pods that were open are isolated now.
    """

    ADDED = "Added"
    WIDENED = "Widened"
    OPENED = "Opened"
    REMOVED = "Removed"
    NARROWED = "Narrowed"
    ISOLATED = "Isolated"

    @property
    def more(self) -> bool:
        """Whether more is allowed than before."""
        return self in (ChangeKind.ADDED, ChangeKind.WIDENED, ChangeKind.OPENED)


class Change(msgspec.Struct, frozen=True):
    """Flows of pods of a namespace in one direction that are allowed on one side of the change only.

    `causes` are the rules that allow them, in the new policies or the old ones. For Opened they are the policies that
    isolated the pods, for Isolated those that do now; peer and ports are then everything, of which Isolated leaves
    what the new policies allow.
    """

    kind: ChangeKind
    namespace: str
    direction: Direction
    pods: Selector
    peer: Peer
    ports: PortSet
    causes: tuple[Cause, ...] = ()


def compare(
    old: Iterable[NetworkPolicy],
    new: Iterable[NetworkPolicy],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
    pods: Iterable[Pod] = (),
) -> tuple[Change, ...]:
    """What is allowed by one set of policies and not by the other, in canonical order.

    `namespaces` are the labels of those that are known, `pods` tell what named ports mean. Raises TangledError.
    """
    old, new = tuple(old), tuple(new)
    world = World(namespaces or {}, pods, entities=name_entities(old) or name_entities(new))
    before, after = _Policies(old), _Policies(new)
    found = [
        *_gained(before, after, world, (ChangeKind.ADDED, ChangeKind.WIDENED, ChangeKind.OPENED)),
        *_gained(after, before, world, (ChangeKind.REMOVED, ChangeKind.NARROWED, ChangeKind.ISOLATED)),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda change: msgspec.json.encode(change)))


class _Policies:
    def __init__(self, policies: tuple[NetworkPolicy, ...]) -> None:
        self.side = sides.of_policies(policies)
        self._by_subject: dict[tuple[str, Selector], list[NetworkPolicy]] = defaultdict(list)
        for policy in policies:
            self._by_subject[policy.namespace, policy.subject].append(policy)

    def selecting(self, selector: Selector, view: View) -> list[NetworkPolicy]:
        return [p for p in self._by_subject[view.own, selector] if view.direction in p.directions]


def _gained(
    before: _Policies, after: _Policies, world: World, kinds: tuple[ChangeKind, ChangeKind, ChangeKind]
) -> Iterator[Change]:
    """What `after` allows and `before` does not."""
    fresh, more, opened = kinds
    for place, half in before.side.items():
        view = View(world, *place)
        truths = Terms(half, view)
        parts: dict[PolicyKey, Parts] = {}
        for excess in surplus(after.side.get(place, {}), truths, view):
            pods = classes.simplest(excess.pods)
            if excess.source is None:
                causes = tuple(Cause(p.key) for p in before.selecting(excess.truth, view))
                yield Change(opened, *place, pods, ANY_PEER, portsets.ALL, causes)
                continue
            touching = truths.term(excess.truth).touching(excess.grant)
            kind = more if any(view.meets(excess.grant, grant) for grant in touching) else fresh
            for policy in after.selecting(excess.source, view):
                if policy.key not in parts:
                    parts[policy.key] = Parts.policy(policy, view)
                for rule in naming.rule_flows(parts[policy.key], excess, truths, view):
                    yield Change(kind, *place, pods, rule.peer, rule.ports, (Cause(policy.key, rule.place),))
