"""What a service had before: what may drain, for how long, and what the pods' answers mean (R14)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.controller.draining import Terms, candidates, label_selector, needed, stamp, uncovered
from servicegraph.controller.live import SINCE_ANNOTATION, LivePolicy
from servicegraph.controller.policykinds import read_policy
from servicegraph.model.cluster import ContainerPort, Listening
from servicegraph.model.selectors import Operator, Requirement, Selector
from tests.unit.controller.planning import UID, selector, service_policy

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HTTP_8080 = Listening(pods=(ContainerPort(8080, name="http"),))
HTTP_9090 = Listening(pods=(ContainerPort(9090, name="http"),))
OWNER = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "name": "shop", "uid": UID}


def live(
    subject: Selector,
    listening: Listening = HTTP_8080,
    since: datetime | None = None,
    created: datetime = NOW,
    **more: Any,
) -> LivePolicy:
    """A policy of search, as the operator wrote it."""
    policy = msgspec.structs.replace(service_policy("search", subject=subject), listening=listening)
    made = manifest(policy)
    metadata = {
        **made["metadata"],
        "uid": "1",
        "resourceVersion": "1",
        "creationTimestamp": stamp(created),
        "ownerReferences": [OWNER],
        **more,
    }
    if since is not None:
        metadata["annotations"] = {**metadata["annotations"], SINCE_ANNOTATION: stamp(since)}
    return read_policy(msgspec.json.encode({"metadata": metadata, "spec": made["spec"]}))


def found(*policies: LivePolicy, current: Terms | None = None) -> list[Selector]:
    today = {selector("new"): (HTTP_8080,)} if current is None else current
    return [candidate.subject for candidate in candidates(policies, today, {UID}, NOW)]


def test_a_term_that_moved_may_drain_and_a_current_one_does_not() -> None:
    assert found(live(selector("old")), live(selector("new"))) == [selector("old")]


@pytest.mark.parametrize(
    "mark",
    [{"annotations": {}}, {"ownerReferences": []}, {"name": service_policy("search", subject=selector("x")).name}],
)
def test_a_planted_policy_is_no_candidate(mark: dict[str, Any]) -> None:
    assert found(live(selector("planted"), **mark)) == []


def test_a_day_is_the_longest() -> None:
    assert found(live(selector("old"), since=NOW - timedelta(hours=23, minutes=59))) == [selector("old")]
    assert found(live(selector("old"), since=NOW - timedelta(hours=24))) == []


def test_at_most_four_terms_the_newest() -> None:
    policies = [live(selector(f"old-{age}"), since=NOW - timedelta(hours=age)) for age in range(6)]
    assert found(*policies) == [selector(f"old-{age}") for age in range(4)]


def test_a_time_in_the_future_or_that_cannot_be_read_is_now() -> None:
    (one,) = candidates([live(selector("old"), since=NOW + timedelta(days=9))], {}, {UID}, NOW)
    assert one.since == NOW
    odd = live(selector("old"))
    odd = msgspec.structs.replace(odd, annotations={**odd.annotations, SINCE_ANNOTATION: "soon"})
    (two,) = candidates([odd], {}, {UID}, NOW)
    assert two.since == NOW


def test_a_port_of_the_pods_that_moved_drains_while_a_pod_declares_it() -> None:
    (candidate,) = candidates([live(selector("new"))], {selector("new"): (HTTP_9090,)}, {UID}, NOW)
    assert candidate.ports == {("TCP", 8080)}
    assert needed(candidate, [{("TCP", 9090)}, {("TCP", 8080)}])
    assert not needed(candidate, [{("TCP", 9090)}, set()])
    assert not needed(candidate, [])


def test_ports_that_are_numbered_by_another_term_of_the_same_labels_do_not_drain() -> None:
    assert found(live(selector("new")), current={selector("new"): (HTTP_9090, HTTP_8080)}) == []


def test_a_whole_term_is_needed_while_there_is_a_pod() -> None:
    (candidate,) = candidates([live(selector("old"))], {}, {UID}, NOW)
    assert needed(candidate, [set()])
    assert not needed(candidate, [])


def test_a_move_to_labels_that_nothing_covered_is_a_gap() -> None:
    old, new = selector("old"), selector("new")
    (draining,) = candidates([live(old)], {new: ()}, {UID}, NOW)
    assert uncovered([live(old)], [draining], [new]) == (new,)
    assert uncovered([live(old), live(new, created=NOW)], [draining], [new]) == (new,)


def test_no_gap_where_an_earlier_term_covers_the_move() -> None:
    wide, narrow = selector("old"), Selector.from_labels({"app": "old", "tier": "two"})
    (draining,) = candidates([live(wide)], {narrow: ()}, {UID}, NOW)
    assert uncovered([live(wide)], [draining], [narrow]) == ()
    other = selector("other")
    there_before = live(other, created=NOW - timedelta(hours=1))
    assert uncovered([live(wide), there_before], [draining], [narrow, other]) == ()


def test_selectors_as_parameters() -> None:
    whole = Selector.of(
        (
            Requirement("app", Operator.IN, ("a", "b")),
            Requirement("tier", Operator.NOT_IN, ("c",)),
            Requirement("up", Operator.EXISTS),
            Requirement("down", Operator.DOES_NOT_EXIST),
        )
    )
    assert label_selector(whole) == "app in (a,b),!down,tier notin (c),up"
