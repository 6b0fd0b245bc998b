"""The status of a ServiceGraph: counts, the worst problems, and conditions. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from servicegraph.answers.proof import INEXACT
from servicegraph.compiler.changes import GraphResult
from servicegraph.compiler.ignores import reported
from servicegraph.controller.plan import Held
from servicegraph.controller.proving import Finding
from servicegraph.model.compilation import EdgeState
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Problem

MOST_PROBLEMS = 20
MOST_FLOWS = 10
LONGEST_MESSAGE = 4096
LONGEST_PATH = 512

_STATES = {
    EdgeState.ACTIVE: "active",
    EdgeState.AWAITING_CONSENT: "awaitingConsent",
    EdgeState.UNRESOLVED: "unresolved",
    EdgeState.UNSUPPORTED: "unsupported",
}


class Failure(msgspec.Struct, frozen=True):
    """A write that was refused. `reason` is the condition's; `lasting` if only a person can change that."""

    name: str
    reason: str
    message: str
    lasting: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What became of a graph's policies: how many are not yet accepted, what was refused, what it would write.

    `proof` is what the policies of all make of its services; `unmodelled` says which others there are.
    """

    pending: int = 0
    failures: tuple[Failure, ...] = ()
    held: Held | None = None
    proof: Finding = Finding()
    unmodelled: str = ""


class Condition(msgspec.Struct, frozen=True):
    """A condition before it has a time. `status` None is Unknown."""

    type: str
    status: bool | None
    reason: str
    message: str


def build(
    result: GraphResult,
    outcome: Outcome,
    more: Sequence[Problem],
    generation: int,
    previous: Mapping[str, Any],
    now: str,
) -> dict[str, Any]:
    """The status of a valid graph; `more` are problems that the controller found, `previous` is the live status."""
    problems = reported((*result.problems, *more), result.graph)
    states = Counter(_STATES[edge.state] for edge in result.edges)
    conditions = (*_progress(result, outcome), _edges(states, len(result.edges)), verified(result, outcome))
    return {
        "observedGeneration": generation,
        "services": result.services,
        "edges": {"total": len(result.edges), **{name: states[name] for name in _STATES.values()}},
        "policies": len(result.policies),
        "problemCount": len(problems),
        "problems": _worst(problems),
        "conditions": _timed(conditions, generation, previous, now),
    }


def build_invalid(
    problems: Sequence[Problem], generation: int, previous: Mapping[str, Any], now: str
) -> dict[str, Any]:
    """The status of a graph that does not parse: counts stay as they were, because its policies do."""
    ordered = sorted(problems, key=lambda problem: problem.rank)
    first = ordered[0]
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    message = f"{first.path}: {first.message}{more}. The policies stay as they were until this is corrected"
    conditions = (
        Condition("Ready", False, "Invalid", message),
        Condition("Reconciling", False, "Invalid", "nothing is written for an invalid graph"),
        Condition("Stalled", True, "Invalid", message),
        Condition("EdgesResolved", False, "Invalid", "the edges of an invalid graph are not known"),
        Condition("Verified", None, "Invalid", "what an invalid graph declares is not known"),
    )
    counts = {name: previous[name] for name in ("services", "edges", "policies") if name in previous}
    return {
        "observedGeneration": generation,
        **counts,
        "problemCount": len(ordered),
        "problems": _worst(ordered),
        "conditions": _timed(conditions, generation, previous, now),
    }


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two statuses say the same, leaving out what others added."""
    return all(other.get(key) == value for key, value in one.items())


def _progress(result: GraphResult, outcome: Outcome) -> tuple[Condition, Condition, Condition]:
    lasting = [failure for failure in outcome.failures if failure.lasting]
    refused = lasting or list(outcome.failures)
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        ready = Condition("Ready", False, refused[0].reason, refused[0].message + more)
    elif outcome.pending:
        ready = Condition(
            "Ready", False, "Applying", f"{_policies(outcome.pending)} not yet accepted by the API server"
        )
    else:
        ready = Condition("Ready", True, *_done(result, outcome))
    busy = outcome.pending > 0 or len(lasting) < len(outcome.failures)
    return (
        ready,
        Condition(
            "Reconciling",
            busy,
            ("Retrying" if outcome.failures else "Applying") if busy else "UpToDate",
            ready.message if busy else "nothing is pending",
        ),
        Condition(
            "Stalled",
            bool(lasting),
            lasting[0].reason if lasting else "NotStalled",
            lasting[0].message if lasting else "nothing needs a person",
        ),
    )


def _done(result: GraphResult, outcome: Outcome) -> tuple[str, str]:
    match result.graph.mode:
        case Mode.OFF:
            return "Off", "the graph is off: its policies are removed"
        case Mode.DRY_RUN:
            return "DryRun", f"nothing is written; Enforce would {outcome.held or Held()} policies"
        case Mode.ENFORCE:
            also = f"; services in mode DryRun would {outcome.held}" if outcome.held else ""
            return "Applied", f"{_policies(len(result.policies))} in place{also}"


def verified(result: GraphResult, outcome: Outcome) -> Condition:
    """Whether what is in place, with the policies of others, allows exactly what the graph declares."""
    lasting = [failure for failure in outcome.failures if failure.lasting]
    doubts = [problem.message for problem in result.problems if problem.code in INEXACT]
    wrong = [*outcome.proof.wrong, *doubts]
    if result.graph.mode is Mode.OFF:
        return Condition("Verified", None, "Off", "the graph is off: nothing is isolated, so nothing is to be proven")
    if lasting:
        reason = "Inexact" if lasting[0].reason == "Inexact" else "NotApplied"
        return Condition("Verified", False, reason, lasting[0].message)
    if wrong:
        return Condition("Verified", False, "Inexact", _listed("not exactly what is declared", wrong))
    if outcome.unmodelled:
        message = f"not proven: {outcome.unmodelled} can select these pods, and what they allow is not known here"
        return Condition("Verified", None, "UnmodelledPolicies", message)
    if outcome.proof.unproven:
        message = "not proven: policies of others select these pods by so many labels that nobody can tell them apart"
        return Condition("Verified", None, "TangledSelectors", message)
    whose = "what Enforce would write allows" if result.graph.mode is Mode.DRY_RUN else "policies allow"
    if trusted := outcome.proof.trusted:
        message = _listed(f"{whose} exactly the declared flows, but for trusted ones", trusted)
        return Condition("Verified", True, "ExactExceptTrusted", message)
    return Condition("Verified", True, "Exact", f"{whose} exactly the declared flows")


def _listed(what: str, sentences: Sequence[str]) -> str:
    more = f"; and {len(sentences) - MOST_FLOWS} more" if len(sentences) > MOST_FLOWS else ""
    return f"{what}: {'; '.join(sentences[:MOST_FLOWS])}{more}"[:LONGEST_MESSAGE]


def _edges(states: Counter[str], total: int) -> Condition:
    if states["active"] == total:
        return Condition("EdgesResolved", True, "AllActive", f"{total} of {total} edges are active")
    words = {"awaitingConsent": "await consent", "unresolved": "unresolved", "unsupported": "unsupported"}
    reason = next(name for name in ("unresolved", "unsupported", "awaitingConsent") if states[name])
    found = ", ".join(f"{states[name]} {word}" for name, word in words.items() if states[name])
    return Condition("EdgesResolved", False, reason[0].upper() + reason[1:], f"of {total} edges: {found}; see problems")


def _policies(count: int) -> str:
    return f"{count} policy is" if count == 1 else f"{count} policies are"


def _worst(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [
        {
            "code": problem.code.value,
            "severity": problem.severity.value,
            "path": problem.path[:LONGEST_PATH],
            "message": problem.message[:LONGEST_MESSAGE],
        }
        for problem in problems[:MOST_PROBLEMS]
    ]


def _timed(
    conditions: Sequence[Condition], generation: int, previous: Mapping[str, Any], now: str
) -> list[dict[str, Any]]:
    before = {condition.get("type"): condition for condition in previous.get("conditions", ())}
    timed = []
    for condition in conditions:
        status = {True: "True", False: "False", None: "Unknown"}[condition.status]
        last = before.get(condition.type, {})
        unchanged = last.get("status") == status and "lastTransitionTime" in last
        timed.append(
            {
                "type": condition.type,
                "status": status,
                "observedGeneration": generation,
                "lastTransitionTime": last["lastTransitionTime"] if unchanged else now,
                "reason": condition.reason,
                "message": condition.message,
            }
        )
    return timed
