"""Terms and ports a service had before and that pods may still need (R14): what to ask, and what the answers mean.

A term drains while a pod that is not Succeeded or Failed carries its labels. A port drains while such a pod still
declares it: the number was one of the pods' own (containerPort) when the live policy was written, and is no more.
A Service that is edited to lead elsewhere takes effect at once, as it does for kube-proxy.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from servicegraph.compiler.emit.names import HASH_ANNOTATION
from servicegraph.controller.live import SINCE_ANNOTATION, LivePolicy
from servicegraph.model.cluster import DrainingTerm, Listening
from servicegraph.model.ports import Protocol
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Operator, Requirement, Selector, implies

MOST_TERMS = 4
LONGEST = timedelta(hours=24)
UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"

PodPort = tuple[Protocol, int]

Terms = Mapping[Selector, Collection[Listening]]
"""The selectors of a service today, each with how its pods are reached."""


class Candidate(msgspec.Struct, frozen=True):
    """What a service had before: a selector, and how its pods were reached.

    `ports` is empty for a term that is no more; otherwise the pod ports that moved. `since` is in UTC.
    """

    service: ServiceKey
    subject: Selector
    listening: Listening
    ports: frozenset[PodPort]
    since: datetime

    @property
    def term(self) -> DrainingTerm:
        """As the compiler wants it."""
        return DrainingTerm(self.service, self.subject, self.listening)


def candidates(
    live: Iterable[LivePolicy], current: Terms, uids: Collection[str], now: datetime
) -> tuple[Candidate, ...]:
    """What may drain of one declared service, newest first; `live` are its policies, `current` its terms today.

    A policy counts only when it bears both of our marks and the name that fits its subject: one that somebody
    planted makes no peer. At most 4 terms, each for 24 hours.
    """
    found: dict[tuple[Selector, Listening], Candidate] = {}
    for policy in live:
        if policy.subject is None or policy.service is None or policy.exempts or not _ours(policy, uids):
            continue
        since = _since(policy, now)
        for listening in policy.listenings:
            ports = _moved(listening, current[policy.subject]) if policy.subject in current else frozenset[PodPort]()
            if (policy.subject not in current or ports) and now - since < LONGEST:
                found.setdefault(
                    (policy.subject, listening),
                    Candidate(policy.service, policy.subject, listening, ports, since),
                )
    return tuple(sorted(found.values(), key=_newest_first)[:MOST_TERMS])


def uncovered(
    live: Iterable[LivePolicy], draining: Iterable[Candidate], current: Collection[Selector]
) -> tuple[Selector, ...]:
    """Terms that a service moved to although no earlier term covers them: CoverageGap.

    While the old term drains this is read from what is live: the new policy is not there yet, or is younger than
    the draining.
    """
    left = [candidate for candidate in draining if not candidate.ports]
    if not left:
        return ()
    since = stamp(min(candidate.since for candidate in left))
    created: dict[Selector | None, str] = {}
    for policy in live:
        created[policy.subject] = min(policy.created, created.get(policy.subject, policy.created))
    return tuple(
        term
        for term in current
        if created.get(term, since) >= since
        and not any(implies(term, candidate.subject) for candidate in left)
        and not any(implies(term, other) for other in current if other != term)
    )


def needed(candidate: Candidate, pods: Iterable[Collection[PodPort]]) -> bool:
    """Whether unfinished pods, given by the ports that each declares, still need the candidate."""
    return any(not candidate.ports or not candidate.ports.isdisjoint(ports) for ports in pods)


def label_selector(selector: Selector) -> str:
    """A selector as the `labelSelector` parameter of a LIST."""
    return ",".join(_parameter(requirement) for requirement in selector.requirements)


def stamp(moment: datetime) -> str:
    """A moment as Kubernetes writes it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ours(policy: LivePolicy, uids: Collection[str]) -> bool:
    owned = any(owner.uid in uids for owner in policy.owners)
    return owned and HASH_ANNOTATION in policy.annotations and policy.genuine


def _moved(before: Listening, today: Collection[Listening]) -> frozenset[PodPort]:
    now = {(port.protocol, port.number) for listening in today for port in listening.pods}
    return frozenset((port.protocol, port.number) for port in before.pods) - now


def _since(policy: LivePolicy, now: datetime) -> datetime:
    try:
        return min(datetime.fromisoformat(policy.annotations[SINCE_ANNOTATION]).astimezone(UTC), now)
    except (KeyError, ValueError):
        return now


def _newest_first(candidate: Candidate) -> tuple[float, Selector]:
    return (-candidate.since.timestamp(), candidate.subject)


def _parameter(requirement: Requirement) -> str:
    key, values = requirement.key, ",".join(requirement.values)
    match requirement.operator:
        case Operator.IN:
            return f"{key} in ({values})"
        case Operator.NOT_IN:
            return f"{key} notin ({values})"
        case Operator.EXISTS:
            return key
        case Operator.DOES_NOT_EXIST:
            return f"!{key}"
