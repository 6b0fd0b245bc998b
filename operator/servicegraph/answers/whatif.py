"""What single change would allow a connection, or deny it: each is tried on the compiler before it is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from servicegraph.answers.edits import (
    Action,
    Edit,
    PolicyEdit,
    Raw,
    after,
    new_graph,
    place_in_words,
    value_at,
    with_rule,
)
from servicegraph.answers.ends import Party, anew
from servicegraph.answers.explain import Answer, End, Explanation, Outcome, allows
from servicegraph.answers.parties import as_parties, as_peers, as_ports, declared_service
from servicegraph.answers.scene import Scene
from servicegraph.model.graph import DeclaredService
from servicegraph.model.policy import Direction, Mode, Origin
from servicegraph.model.ports import PortRange
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import KIND, NetworkPolicy, PolicyKey
from servicegraph.verify.verdicts import Policies

MOST = 3
"""Alternatives that are told."""

_TRIED = 16
AnyEdit = Edit | PolicyEdit


class Proposal(msgspec.Struct, frozen=True):
    """Changes that together make the outcome so; a single one, where one does it."""

    outcome: Outcome
    edits: tuple[AnyEdit, ...]


class Question(msgspec.Struct, frozen=True):
    """Who asks for whom. `port` is the port as it was written, `ranges` are the pod ports in question."""

    source: Party
    destination: Party
    ranges: tuple[PortRange, ...]
    port: str | None = None


def proposals(
    scene: Scene, resources: Mapping[GraphKey, Raw], asked: Question, found: Explanation
) -> tuple[Proposal, ...]:
    """What would allow what is denied, and what would deny what is allowed."""
    trial = _Trial(scene, resources, asked)
    return (*_to_allow(trial, found), *_to_deny(trial, found))


def _to_allow(trial: "_Trial", found: Explanation) -> list[Proposal]:
    """The smallest change that allows all that is in question; none where no entry or rule can say it."""
    denied = [answer for answer in found.answers if not answer.allowed and not (answer.is_rest and trial.asked.ranges)]
    if not denied:
        return []
    edits: list[AnyEdit] = [*trial.entries(), *trial.rules(denied)]
    for size in (1, 2):
        for chosen in combinations(edits, size):
            if trial.outcome(chosen) is Outcome.ALLOWED:
                return [Proposal(Outcome.ALLOWED, chosen)]
    return []


def _to_deny(trial: "_Trial", found: Explanation) -> list[Proposal]:
    """Each single change that denies all that is in question; where none does, those that do it together."""
    allowed = [answer for answer in found.answers if answer.allowed]
    if not allowed:
        return []
    sides = [[*trial.removals([a.egress for a in allowed])], [*trial.removals([a.ingress for a in allowed])]]
    singles = {_place(edit): edit for side in sides for edit in side}
    for together in ([(edit,) for edit in [*singles.values()][:_TRIED]], [(edit,) for edit in trial.isolating()]):
        working = [edits for edits in together if trial.outcome(edits) is Outcome.DENIED]
        if working:
            return [Proposal(Outcome.DENIED, edits) for edits in working[:MOST]]
    for side in sorted(filter(None, sides), key=len):
        if trial.outcome(side) is Outcome.DENIED:
            return [Proposal(Outcome.DENIED, tuple(side))]
    return []


class _Trial:
    """The question, asked again after changes."""

    def __init__(self, scene: Scene, resources: Mapping[GraphKey, Raw], asked: Question) -> None:
        self.scene = scene
        self.resources = resources
        self.asked = asked
        self.source = declared_service(asked.source, scene)
        self.destination = declared_service(asked.destination, scene)

    def outcome(self, edits: Sequence[AnyEdit]) -> Outcome | None:
        """The verdict after all of these changes; None where one of them cannot be made."""
        graphs = after(self.resources, [edit for edit in edits if isinstance(edit, Edit)])
        if graphs is None:
            return None
        rules = [edit for edit in edits if isinstance(edit, PolicyEdit)]
        if not graphs:
            return self._verdict(rules)
        with self.scene.supposing(*graphs):
            return self._verdict(rules)

    def entries(self) -> Iterator[Edit]:
        """The call that the caller could write, and the entry by which the callee could accept it."""
        if self.source is not None:
            yield from self._entry(self.source, self.asked.destination, "calls")
        if self.destination is not None:
            yield from self._entry(self.destination, self.asked.source, "accepts")

    def rules(self, denied: Iterable[Answer]) -> Iterator[PolicyEdit]:
        """Rules for policies that no graph gives, one for each side that is denied."""
        for direction, other in ((Direction.EGRESS, self.asked.destination), (Direction.INGRESS, self.asked.source)):
            ends = [a.egress if direction is Direction.EGRESS else a.ingress for a in denied]
            isolating = sorted({key for end in ends if not end.allowed for key in end.isolated_by})
            key = next((k for k in isolating if k.kind == KIND and not self.scene.is_compiled(k)), None)
            if key is None or not (peers := as_peers(other, key.namespace)):
                continue
            ports = [
                {"protocol": r.protocol, "port": r.start, **({"endPort": r.end} if r.end > r.start else {})}
                for r in self.asked.ranges
            ]
            side = "to" if direction is Direction.EGRESS else "from"
            rule = {side: peers, **({"ports": ports} if ports else {})}
            yield PolicyEdit(key, Action.ADD, direction, -1, rule)

    def removals(self, ends: Iterable[End]) -> Iterator[AnyEdit]:
        """The entries and rules that let something pass at one side, each taken away."""
        seen = set()
        for end in ends:
            for reason in end.reasons:
                for edit in self._removal(end, reason.policy, reason.rule, reason.origins):
                    if _place(edit) not in seen:
                        seen.add(_place(edit))
                        yield edit

    def isolating(self) -> Iterator[Edit]:
        """What would isolate an end that nothing isolates, the callee first."""
        for party, declared, direction in (
            (self.asked.destination, self.destination, Direction.INGRESS),
            (self.asked.source, self.source, Direction.EGRESS),
        ):
            if declared is not None:
                yield from self._adopt(declared, direction)
            elif party.service is not None and party.terms and isinstance(party.members[0].end, Pod):
                yield self._declare(party.service)

    def _entry(self, service: DeclaredService, other: Party, field: str) -> Iterator[Edit]:
        resource = self.resources.get(service.graph)
        if resource is None:
            return
        port, path = self.asked.port, f"{service.path}.{field}"
        for party in as_parties(other, self.scene, service.key.namespace, call=field == "calls"):
            if "service" not in party:
                written = {**party, "ports": as_ports(self.asked.ranges)}
            elif port is not None:
                written = {**party, "ports": [int(port) if port.isdigit() else port]}
            else:
                written = party
            yield Edit(service.graph, Action.ADD, path, written, place_in_words(resource, path))

    def _removal(self, end: End, policy: PolicyKey, rule: str, origins: Iterable[Origin]) -> Iterator[AnyEdit]:
        found = False
        for origin in origins:
            resource = self.resources.get(origin.graph)
            if resource is None:
                continue
            found = True
            if origin.path.endswith("]"):
                value, words = value_at(resource, origin.path), place_in_words(resource, origin.path)
                yield Edit(origin.graph, Action.REMOVE, origin.path, value, words)
            elif origin.path.endswith(".dns"):
                words = place_in_words(resource, origin.path)
                yield Edit(origin.graph, Action.SET, origin.path, "Never", words)
        if not found and not self.scene.is_compiled(policy):
            index = int(rule.partition("[")[2].rstrip("]"))
            yield PolicyEdit(policy, Action.REMOVE, end.direction, index, None)

    def _adopt(self, service: DeclaredService, direction: Direction) -> Iterator[Edit]:
        if service.mode is not Mode.ENFORCE:
            text = f"mode of the service {service.key.name}"
            yield Edit(service.graph, Action.SET, f"{service.path}.mode", Mode.ENFORCE.value, text)
        if direction not in service.directions:
            text = f"directions of the service {service.key.name}"
            both = [d.value for d in Direction]
            yield Edit(service.graph, Action.SET, f"{service.path}.directions", both, text)

    def _declare(self, key: ServiceKey) -> Edit:
        graph = next((k for k in sorted(self.resources) if k.namespace == key.namespace), None)
        if graph is None:
            named = GraphKey(key.namespace, key.namespace)
            value = new_graph(named, {"name": key.name})
            return Edit(named, Action.CREATE, "", value, f"a graph that declares {key.name}")
        return Edit(graph, Action.ADD, ".spec.services", {"name": key.name}, "services")

    def _verdict(self, rules: Sequence[PolicyEdit]) -> Outcome:
        asked = self.asked
        source, destination = anew(asked.source, self.scene), anew(asked.destination, self.scene)
        pods = [m.end for p in (source, destination) for m in p.members if isinstance(m.end, Pod)]
        found = [policy for name in sorted({p.namespace for p in pods}) for policy in self.scene.in_force(name)]
        policies = Policies.of((_ruled(policy, rules) for policy in found), self.scene.namespaces)
        return allows(policies, source, destination, asked.ranges, whole=asked.port is None)


def _ruled(policy: NetworkPolicy, edits: Iterable[PolicyEdit]) -> NetworkPolicy:
    mine = [edit for edit in edits if edit.policy == policy.key]
    for edit in sorted(mine, key=lambda e: e.index, reverse=True):
        policy = with_rule(policy, edit)
    return policy


def _place(edit: AnyEdit) -> tuple[object, ...]:
    return (edit.graph if isinstance(edit, Edit) else edit.policy, edit.path)
