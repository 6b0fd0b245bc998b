"""May this end talk to that one? On which ports, by which rules, and for which entries of which graphs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import product

import msgspec

from servicegraph.answers.ends import Member, Party
from servicegraph.answers.parties import declared_service
from servicegraph.answers.ports import Asked, joined, listened, segments
from servicegraph.answers.scene import Scene
from servicegraph.model.graph import NameParty, ServiceParty
from servicegraph.model.policy import Direction, Origin
from servicegraph.model.ports import PortRange
from servicegraph.model.problems import Problem
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import NetworkPolicy, PolicyKey
from servicegraph.verify.verdicts import Half, Policies, Verdict


class Outcome(StrEnum):
    """The answer in one word. MIXED: it depends on the port, or on which pod of the service it is."""

    ALLOWED = "allowed"
    DENIED = "denied"
    MIXED = "mixed"


class Reason(msgspec.Struct, frozen=True):
    """A rule that lets something pass, such as `ingress[0]` of a policy, and the entries behind it."""

    policy: PolicyKey
    rule: str
    origins: tuple[Origin, ...] = ()


class End(msgspec.Struct, frozen=True):
    """The verdict at one end. Without `isolated_by` no policy selects it, and everything passes.

    `outside` is an end that policies never isolate: an address, or pods in the host's network.
    """

    direction: Direction
    allowed: bool
    isolated_by: tuple[PolicyKey, ...] = ()
    reasons: tuple[Reason, ...] = ()
    outside: bool = False


class Answer(msgspec.Struct, frozen=True):
    """One verdict for some ports between some pods. `ports` are those of the pods; `is_rest`: what nothing names."""

    source: str
    destination: str
    ports: tuple[PortRange, ...]
    allowed: bool
    egress: End
    ingress: End
    is_rest: bool = False


class Explanation(msgspec.Struct, frozen=True):
    """Every verdict there is between two ends.

    In question are the ports asked for, else those that TO listens on, else all of them. `outcome` is theirs; where no
    port was asked for, what passes on others counts too.
    """

    source: str
    destination: str
    outcome: Outcome
    answers: tuple[Answer, ...]
    in_question: tuple[PortRange, ...]
    notes: tuple[str, ...] = ()


def explain(scene: Scene, source: Party, destination: Party, port: Asked | None) -> Explanation:
    """Ask the policies in force about each pod of `source`, each of `destination`, and each port."""
    policies = policies_between(scene, source, destination)
    question = port.ranges if port else listened(destination)
    answers = [
        answer
        for a in source.members
        for b in destination.members
        for answer in _between(scene, policies, a, b, question, whole=port is None)
    ]
    counted = [a for a in answers if not question or not a.is_rest]
    verdicts = {answer.allowed for answer in counted}
    outcome = Outcome.MIXED if len(verdicts) > 1 else Outcome.ALLOWED if True in verdicts else Outcome.DENIED
    notes = (source.note, destination.note, port.note if port else "", *_about_hosts(source, destination))
    merged = _merged(answers, source, destination)
    return Explanation(source.text, destination.text, outcome, merged, question, tuple(filter(None, notes)))


def troubles(scene: Scene, source: Party, destination: Party) -> tuple[Problem, ...]:
    """What is wrong with the entries that name both ends, so that they may give no rule."""
    ends = (declared_service(source, scene), destination), (declared_service(destination, scene), source)
    found: list[Problem] = []
    for service, other in ends:
        if service is not None:
            paths = {entry.path for entry in (*service.calls, *service.accepts) if _names(entry.party, other)}
            found += [problem for problem in scene.problems(service.graph) if problem.path in paths]
    return tuple(dict.fromkeys(found))


def _names(party: object, end: Party) -> bool:
    if isinstance(party, ServiceParty):
        return party.key == end.service
    return isinstance(party, NameParty) and bool(end.name) and party.pattern == end.name


def policies_between(scene: Scene, *parties: Party) -> Policies:
    """The policies in force in the namespaces of the pods of these ends."""
    pods = [member.end for party in parties for member in party.members if isinstance(member.end, Pod)]
    return scene.policies(*(pod.namespace for pod in pods))


def allows(
    policies: Policies, source: Party, destination: Party, ports: Iterable[PortRange], *, whole: bool = False
) -> Outcome:
    """The verdict on all pods and ports together; for the `whole`, with what passes on other ports."""
    found = {verdict.allowed for verdict in verdicts(policies, source, destination, ports, whole=whole)}
    return Outcome.MIXED if len(found) > 1 else Outcome.ALLOWED if True in found else Outcome.DENIED


def verdicts(
    policies: Policies, source: Party, destination: Party, ports: Iterable[PortRange], *, whole: bool = False
) -> Iterator[Verdict]:
    """One verdict for each two pods and each port range, where a range is told apart further by rules."""
    asked_for = tuple(ports)
    for a, b in product(source.members, destination.members):
        found = segments(_isolating(policies, a, b), b, asked_for)
        inside = set(_inside(found, asked_for))
        for segment in found if whole else inside:
            verdict = policies.verdict(a.end, b.end, segment.protocol, segment.start)
            if segment in inside or verdict.allowed:
                yield verdict


def parts(port: PortRange, destination: Member, several: Iterable[Policies], source: Member) -> list[PortRange]:
    """The parts of a range inside which no verdict of any of these policies changes."""
    found = [policy for policies in several for policy in _isolating(policies, source, destination)]
    return _inside(segments(found, destination, (port,)), (port,))


def _inside(found: Iterable[PortRange], wanted: tuple[PortRange, ...]) -> list[PortRange]:
    if not wanted:
        return list(found)
    return [s for s in found if any(s.protocol == w.protocol and w.start <= s.start <= w.end for w in wanted)]


def _isolating(policies: Policies, source: Member, destination: Member) -> list[NetworkPolicy]:
    found: list[NetworkPolicy] = []
    for member, direction in ((source, Direction.EGRESS), (destination, Direction.INGRESS)):
        if isinstance(member.end, Pod):
            found += policies.isolating(member.end, direction)
    return found


def _between(
    scene: Scene, policies: Policies, a: Member, b: Member, question: tuple[PortRange, ...], *, whole: bool
) -> list[Answer]:
    """The verdicts between two pods, equal ones together; the ports in question apart from the rest."""
    grouped: dict[tuple[bool, End, End], list[PortRange]] = defaultdict(list)
    found = segments(_isolating(policies, a, b), b, question)
    inside = set(_inside(found, question))
    for segment in found if whole else inside:
        verdict = policies.verdict(a.end, b.end, segment.protocol, segment.start)
        out = _end(scene, Direction.EGRESS, verdict.egress, a, segment)
        into = _end(scene, Direction.INGRESS, verdict.ingress, b, segment)
        grouped[segment not in inside and not verdict.allowed, out, into].append(segment)
    return [
        Answer(a.text, b.text, joined(ports), out.allowed and into.allowed, out, into, is_rest)
        for (is_rest, out, into), ports in grouped.items()
    ]


def _end(scene: Scene, direction: Direction, half: Half, member: Member, at: PortRange) -> End:
    side = "ingress" if direction is Direction.INGRESS else "egress"
    reasons = {
        (allowance.policy.key, allowance.rule): Reason(
            allowance.policy.key, f"{side}[{allowance.rule}]", scene.origins(allowance, at.protocol, at.start)
        )
        for allowance in half.allowed_by
    }
    return End(
        direction,
        half.allowed,
        tuple(policy.key for policy in half.isolated_by),
        tuple(reasons.values()),
        not isinstance(member.end, Pod) or member.end.host_network,
    )


def _merged(answers: Iterable[Answer], source: Party, destination: Party) -> tuple[Answer, ...]:
    """Answers that differ only in which pods of the same end they are about become one; allowed ones first."""
    found: dict[tuple[object, ...], list[Answer]] = defaultdict(list)
    for answer in answers:
        found[answer.ports, answer.allowed, answer.egress, answer.ingress, answer.is_rest].append(answer)
    merged = [
        msgspec.structs.replace(
            alike[0],
            source=_together([a.source for a in alike], source),
            destination=_together([a.destination for a in alike], destination),
        )
        for alike in found.values()
    ]
    return tuple(sorted(merged, key=lambda a: (a.is_rest, not a.allowed, a.ports, a.source, a.destination)))


def _together(texts: Iterable[str], party: Party) -> str:
    names = list(dict.fromkeys(texts))
    return party.text if len(names) == len(party.members) else ", ".join(names)


def _about_hosts(*parties: Party) -> list[str]:
    return [
        f"{member.text} runs in the host's network: no policy isolates it, and no pod selector matches it"
        for party in parties
        for member in party.members
        if isinstance(member.end, Pod) and member.end.host_network
    ]
