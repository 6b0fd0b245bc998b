"""The difference between what should be and what is, as writes in the order that never cuts a declared call.

Applies come first: a policy that spans several objects starts with an allow-all and loses it when the last one is
accepted (R13). The default deny follows when every policy of the namespace is accepted (R18). Deletes are last,
the default deny first among them, a service's only when its applies were accepted.

Under Namespace isolation every policy is owned by the default deny too, so that garbage collection removes the deny
first. Owners are known by UID only, so the deny is created first with a subject that no pod can have, and gets its
real subject last.

A plan may be a first step: what can only be decided once its writes are accepted is left to the next plan. So what
the live default deny would cut stays allowed in a plan that changes or removes the deny.
"""

from collections.abc import Collection, Iterable

import msgspec

from servicegraph.compiler.emit.names import DEFAULT_DENY
from servicegraph.controller.compare import Action, Comparer, Verb
from servicegraph.controller.isolation import widens
from servicegraph.controller.live import LivePolicy, managed, service_of
from servicegraph.controller.view import NamespaceView


class Plan(msgspec.Struct, frozen=True):
    """Writes in phases: those of a phase are independent. `taken` are names that somebody else holds."""

    phases: tuple[tuple[Action, ...], ...] = ()
    taken: frozenset[str] = frozenset()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All writes in order."""
        return tuple(action for phase in self.phases for action in phase)


def plan(view: NamespaceView, names: Collection[str] | None = None) -> Plan:
    """The writes that the policies of these names need, by default of all of the namespace.

    A name brings the other policies of its service with it, a default deny all: it owns them.
    """
    comparer = Comparer(view)
    deny = comparer.difference(DEFAULT_DENY)
    whole = names is None or DEFAULT_DENY in names or deny is not None
    chosen = _everything(view) if whole else _with_siblings(view, names or ())
    found = [action for name in sorted(chosen - {DEFAULT_DENY}) if (action := comparer.difference(name))]
    taken = frozenset(name for name in chosen | {DEFAULT_DENY} if comparer.taken(name))
    applies = [action for action in found if action.verb is not Verb.DELETE]
    deletes = [action for action in found if action.verb is Verb.DELETE]

    if deny is not None and deny.verb is Verb.CREATE and applies:
        return _phases(taken, [msgspec.structs.replace(deny, reserve=True)])
    last = [action for action in applies if _other_parts(action, applies)]
    plain = [action for action in applies if action not in last]
    opened = [
        msgspec.structs.replace(a, open=directions)
        for a in last
        if a.wanted and (directions := comparer.not_isolated(a.wanted.policy))
    ]
    if opened:
        return _phases(taken, opened, plain)
    closing = [msgspec.structs.replace(a, needs=_other_parts(a, applies)) for a in last]
    if deny is None:
        return _phases(taken, plain, closing, [_after(a, applies) for a in deletes])
    if deny.verb is Verb.DELETE:
        after = [_after(a, (*applies, deny)) for a in deletes]
        return _phases(taken, plain, closing, [deny], after)
    if deny.wanted is not None and widens(deny.wanted.policy, deny.live):
        deny = msgspec.structs.replace(deny, needs=taken.union(a.name for a in applies))
    return _phases(taken, plain, closing, [deny], [_after(a, applies) for a in deletes])


class Held(msgspec.Struct, frozen=True):
    """What a graph in mode DryRun would write."""

    create: int = 0
    update: int = 0
    delete: int = 0

    def __str__(self) -> str:
        return f"create {self.create}, update {self.update} and delete {self.delete}"


def held(view: NamespaceView, uid: str, names: Collection[str]) -> Held:
    """What would be written if the graph with this UID, which wants policies of these `names`, were enforced."""
    comparer = Comparer(view)
    found = [comparer.compare(name) for name in names]
    created = sum(1 for action in found if action and action.verb is Verb.CREATE)
    updated = sum(1 for action in found if action and action.verb is Verb.UPDATE)
    gone = sum(1 for live in view.live.values() if live.name not in view.wanted and _owned(live, uid))
    return Held(created, updated, gone)


def _phases(taken: frozenset[str], *phases: list[Action]) -> Plan:
    return Plan(phases=tuple(tuple(phase) for phase in phases if phase), taken=taken)


def _everything(view: NamespaceView) -> set[str]:
    return {*view.wanted, *(name for name in view.live if managed(name))}


def _with_siblings(view: NamespaceView, names: Collection[str]) -> set[str]:
    services = {service for name in names if (service := service_of(name))}
    siblings = {n for s in services for n in (*view.wanted.of_service(s), *view.live.of_service(s))}
    return siblings.union(names)


def _other_parts(action: Action, applies: Iterable[Action]) -> frozenset[str]:
    first = action.wanted.policy if action.wanted else None
    if first is None or first.parts == 1 or first.part != 0:
        return frozenset()
    same = [a.wanted.policy for a in applies if a.wanted and a.wanted.policy.service == first.service]
    return frozenset(p.name for p in same if p.subject == first.subject and p.name != first.name)


def _after(delete: Action, others: Iterable[Action]) -> Action:
    """A delete that waits for the applies of its service, and for the default deny when that goes too."""
    service = service_of(delete.name)
    needs = frozenset(a.name for a in others if service_of(a.name) in (service, None))
    return msgspec.structs.replace(delete, needs=needs)


def _owned(live: LivePolicy, uid: str) -> bool:
    return any(owner.uid == uid for owner in live.owners)
