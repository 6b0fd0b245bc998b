"""The status of a ServiceGraph: counts, the worst problems, and conditions. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from servicegraph.compiler.changes import GraphResult
from servicegraph.compiler.ignores import reported
from servicegraph.controller.plan import Held
from servicegraph.model.compilation import EdgeState
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Problem

MOST_PROBLEMS = 20
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
    """What became of a graph's policies: how many are not yet accepted, what was refused, what it would write."""

    pending: int = 0
    failures: tuple[Failure, ...] = ()
    held: Held | None = None


class Condition(msgspec.Struct, frozen=True):
    """A condition before it has a time."""

    type: str
    status: bool
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
    conditions = (*_progress(result, outcome), _edges(states, len(result.edges)))
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
        status = "True" if condition.status else "False"
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
