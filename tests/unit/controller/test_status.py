"""The status of a graph: what it counts, when it is Ready, and that it changes only when something did."""

from typing import Any

import pytest

from servicegraph.controller.events import transitions
from servicegraph.controller.plan import Held
from servicegraph.controller.proving import Finding
from servicegraph.controller.status import Outcome, build_invalid, same
from servicegraph.model.compilation import EdgeState
from servicegraph.model.graph import Ignore
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Code, Severity
from tests.unit.controller.statuses import BUSY, NOW, TAKEN, THEN, conditions, problem, result, status


def test_all_is_well() -> None:
    found = status(result(EdgeState.ACTIVE, EdgeState.ACTIVE))
    assert conditions(found) == {
        "Ready": ("True", "Applied"),
        "Reconciling": ("False", "UpToDate"),
        "Stalled": ("False", "NotStalled"),
        "EdgesResolved": ("True", "AllActive"),
        "Verified": ("True", "Exact"),
    }
    assert (found["observedGeneration"], found["services"], found["policies"]) == (3, 2, 2)
    assert all(condition["observedGeneration"] == 3 for condition in found["conditions"])


def test_edges_are_counted_and_do_not_make_it_unready() -> None:
    found = status(result(EdgeState.ACTIVE, EdgeState.AWAITING_CONSENT, EdgeState.UNRESOLVED, EdgeState.UNSUPPORTED))
    assert found["edges"] == {"total": 4, "active": 1, "awaitingConsent": 1, "unresolved": 1, "unsupported": 1}
    assert conditions(found)["Ready"][0] == "True"
    assert conditions(found)["EdgesResolved"][0] == "False"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(pending=1), ("Applying", "True", "False")),
        (Outcome(pending=1, failures=(BUSY,)), ("Retrying", "True", "False")),
        (Outcome(failures=(TAKEN,)), ("NameTaken", "False", "True")),
        (Outcome(pending=1, failures=(BUSY, TAKEN)), ("NameTaken", "True", "True")),
    ],
)
def test_what_is_missing_is_named(outcome: Outcome, expected: tuple[str, str, str]) -> None:
    found = conditions(status(result(), outcome))
    assert found["Ready"] == ("False", expected[0])
    assert (found["Reconciling"][0], found["Stalled"][0]) == expected[1:]


@pytest.mark.parametrize(("mode", "reason"), [(Mode.DRY_RUN, "DryRun"), (Mode.OFF, "Off")])
def test_modes_are_ready_with_their_reason(mode: Mode, reason: str) -> None:
    found = status(result(mode=mode), Outcome(held=Held(1, 2, 3)))
    assert conditions(found)["Ready"] == ("True", reason)


def test_dry_run_says_what_it_would_do() -> None:
    found = status(result(mode=Mode.DRY_RUN), Outcome(held=Held(1, 2, 3)))
    assert "create 1, update 2 and delete 3" in found["conditions"][0]["message"]


def test_the_worst_twenty_problems_first() -> None:
    many = tuple(problem(Code.UNUSED_CONSENT, Severity.INFO, f".spec.services[{i}]") for i in range(30))
    found = status(result(problems=(*many, problem(Code.PORT_NOT_FOUND, Severity.ERROR))))
    assert found["problemCount"] == 31
    assert len(found["problems"]) == 20
    assert found["problems"][0]["code"] == "PortNotFound"


def test_ignored_problems_are_not_reported() -> None:
    ignored = (Ignore("UnusedConsent", None, "known"),)
    found = status(result(problems=(problem(Code.UNUSED_CONSENT, Severity.INFO),), ignores=ignored))
    assert (found["problemCount"], found["problems"]) == (0, [])


def test_a_transition_has_its_time_and_the_rest_keeps_theirs() -> None:
    first = status(result(EdgeState.ACTIVE), Outcome(pending=1), now=THEN)
    second = status(result(EdgeState.ACTIVE), previous=first, now=NOW)
    times = {condition["type"]: condition["lastTransitionTime"] for condition in second["conditions"]}
    assert times == {"Ready": NOW, "Reconciling": NOW, "Stalled": THEN, "EdgesResolved": THEN, "Verified": THEN}


def test_the_same_again_is_no_change_whatever_others_added() -> None:
    first = status(result(EdgeState.ACTIVE), now=THEN)
    assert same(status(result(EdgeState.ACTIVE), previous=first, now=NOW), {**first, "extra": 1})
    assert not same(status(result(EdgeState.UNRESOLVED), previous=first, now=NOW), first)


def test_an_invalid_graph_keeps_its_counts_and_says_that_its_policies_stay() -> None:
    first = status(result(EdgeState.ACTIVE), now=THEN)
    found = build_invalid([problem(Code.INVALID, Severity.ERROR, ".spec.services[0]")], 4, first, NOW)
    assert (found["services"], found["policies"], found["observedGeneration"]) == (2, 2, 4)
    assert conditions(found)["Stalled"] == ("True", "Invalid")
    assert conditions(found)["Ready"] == ("False", "Invalid")
    assert "stay as they were" in found["conditions"][0]["message"]


def test_events_tell_transitions_only() -> None:
    first = status(result(EdgeState.ACTIVE), now=THEN)
    assert [event.reason for event in transitions({}, first)] == ["Applied"]
    again = status(result(EdgeState.ACTIVE), previous=first, now=NOW)
    assert list(transitions(first, again)) == []
    assert list(transitions(first, status(result(EdgeState.ACTIVE), Outcome(pending=2), previous=first))) == []
    stalled = status(result(EdgeState.ACTIVE), Outcome(failures=(TAKEN,)), previous=first)
    assert [(event.reason, event.warning) for event in transitions(first, stalled)] == [("NameTaken", True)]
    twice = status(result(problems=(problem(Code.NAME_TAKEN, Severity.ERROR),)), Outcome(failures=(TAKEN,)))
    assert [event.reason for event in transitions(first, twice)] == ["NameTaken"], "told once, by its condition"
    worse = status(result(problems=(problem(Code.PORT_NOT_FOUND, Severity.ERROR),)), previous=first)
    assert [event.reason for event in transitions(first, worse)] == ["PortNotFound"]


def verified(outcome: Outcome, **more: Any) -> tuple[str, str, str]:
    found = status(result(EdgeState.ACTIVE, **more), outcome)["conditions"]
    condition = next(c for c in found if c["type"] == "Verified")
    return condition["status"], condition["reason"], condition["message"]


EXTRA, TRUSTED = ("extra: a -> b 80",), ("extra: c -> b 9090",)


def test_verified_names_the_flows_that_are_wrong() -> None:
    told = verified(Outcome(proof=Finding(EXTRA, TRUSTED)))
    assert told == ("False", "Inexact", "not exactly what is declared: extra: a -> b 80")


def test_verified_names_some_flows_of_many() -> None:
    told = verified(Outcome(proof=Finding(tuple(f"extra: {number}" for number in range(25)))))
    assert told[2].endswith("extra: 9; and 15 more")


def test_trusted_flows_leave_it_verified() -> None:
    assert verified(Outcome(proof=Finding((), TRUSTED)))[:2] == ("True", "ExactExceptTrusted")
    assert "extra: c -> b 9090" in verified(Outcome(proof=Finding((), TRUSTED)))[2]


def test_policies_that_nobody_knows_leave_it_unknown() -> None:
    told = verified(Outcome(unmodelled="CiliumNetworkPolicy shop/x"))
    assert told[:2] == ("Unknown", "UnmodelledPolicies")
    assert "CiliumNetworkPolicy shop/x" in told[2]
    assert verified(Outcome(unmodelled="x", proof=Finding(EXTRA)))[0] == "False"


def test_selectors_that_nobody_can_tell_apart_leave_it_unknown() -> None:
    assert verified(Outcome(proof=Finding(unproven=True)))[:2] == ("Unknown", "TangledSelectors")


def test_what_is_not_in_place_is_not_verified() -> None:
    assert verified(Outcome(failures=(TAKEN,)))[:2] == ("False", "NotApplied")
    assert verified(Outcome(failures=(BUSY,)))[:2] == ("True", "Exact")


def test_services_that_share_pods_are_not_verified() -> None:
    overlap = problem(Code.SELECTOR_OVERLAP, Severity.WARNING)
    assert verified(Outcome(), problems=(overlap,))[:2] == ("False", "Inexact")
    ignored = (Ignore(Code.SELECTOR_OVERLAP, None, None),)
    assert verified(Outcome(), problems=(overlap,), ignores=ignored)[:2] == ("False", "Inexact")


def test_dry_run_is_verified_as_it_would_be_and_off_is_not() -> None:
    assert "what Enforce would write" in verified(Outcome(), mode=Mode.DRY_RUN)[2]
    assert verified(Outcome(proof=Finding(EXTRA)), mode=Mode.DRY_RUN)[0] == "False"
    assert verified(Outcome(), mode=Mode.OFF)[:2] == ("Unknown", "Off")
