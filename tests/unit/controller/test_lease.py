"""The rules of a Lease: who may take it, and how long a holder may believe in it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from servicegraph.controller.lease import Candidate, LeaseMetadata, LeaseSpec, Term, Timing, manifest, released, taken

TIMING = Timing(lease=15.0, renew=10.0, retry=2.0)
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
HELD = LeaseSpec(holder_identity="other", lease_duration_seconds=15, renew_time="2026-01-02T12:00:00.000000Z")


class TestCandidate:
    def test_waits_for_as_long_as_a_lease_is_good_from_when_it_first_saw_it(self) -> None:
        candidate = Candidate()
        assert not candidate.may_take(HELD, 100.0)
        assert not candidate.may_take(HELD, 114.9)
        assert candidate.may_take(HELD, 115.0)

    def test_waits_anew_when_it_was_renewed(self) -> None:
        candidate = Candidate()
        assert not candidate.may_take(HELD, 100.0)
        renewed = LeaseSpec(
            holder_identity="other", lease_duration_seconds=15, renew_time="2026-01-02T12:00:02.000000Z"
        )
        assert not candidate.may_take(renewed, 116.0)
        assert not candidate.may_take(renewed, 130.9)
        assert candidate.may_take(renewed, 131.0)

    def test_does_not_believe_the_clock_of_others(self) -> None:
        long_ago = LeaseSpec(
            holder_identity="other", lease_duration_seconds=15, renew_time="1999-01-01T00:00:00.000000Z"
        )
        assert not Candidate().may_take(long_ago, 100.0)

    def test_respects_the_duration_that_the_holder_counts_with(self) -> None:
        candidate = Candidate()
        longer = LeaseSpec(holder_identity="other", lease_duration_seconds=60)
        assert not candidate.may_take(longer, 100.0)
        assert not candidate.may_take(longer, 159.0)
        assert candidate.may_take(longer, 160.0)

    def test_takes_at_once_what_was_released(self) -> None:
        assert Candidate().may_take(released(HELD), 0.0)


class TestTerm:
    def test_nothing_outlives_a_lease_that_was_never_had(self) -> None:
        assert not Term(TIMING).outlives(0.0, 0.0)
        assert Term(TIMING).is_overdue(0.0)

    def test_counts_from_before_the_request(self) -> None:
        term = Term(TIMING)
        term.renewed(asked_at=100.0)
        assert term.outlives(104.9, 10.0)
        assert not term.outlives(105.0, 10.0)
        assert term.outlives(114.9, 0.0)
        assert not term.outlives(115.0, 0.0)

    def test_is_over_when_it_is_given_up(self) -> None:
        term = Term(TIMING)
        term.renewed(asked_at=100.0)
        term.end()
        assert not term.outlives(100.0, 0.0)

    def test_is_overdue_before_it_is_over(self) -> None:
        term = Term(TIMING)
        term.renewed(asked_at=100.0)
        assert not term.is_overdue(109.9)
        assert term.is_overdue(110.0)
        assert term.outlives(110.0, 1.0)


class TestRecord:
    def test_taking_over_is_a_transition(self) -> None:
        spec = taken(HELD, "me", TIMING, NOON)
        assert spec == LeaseSpec("me", 15, "2026-01-02T12:00:00.000000Z", "2026-01-02T12:00:00.000000Z", 1)

    def test_renewing_is_none(self) -> None:
        first = taken(LeaseSpec(), "me", TIMING, NOON)
        later = taken(first, "me", TIMING, NOON + timedelta(seconds=2))
        assert (later.acquire_time, later.lease_transitions) == (first.acquire_time, first.lease_transitions)
        assert later.renew_time == "2026-01-02T12:00:02.000000Z"

    def test_times_are_in_utc(self) -> None:
        spec = taken(LeaseSpec(), "me", TIMING, NOON.astimezone(timezone(timedelta(hours=9))))
        assert spec.renew_time == "2026-01-02T12:00:00.000000Z"

    @pytest.mark.parametrize(("seconds", "written"), [(2.0, 2), (2.5, 3), (0.3, 1)])
    def test_others_never_wait_less_than_the_holder_counts_with(self, seconds: float, written: int) -> None:
        assert taken(LeaseSpec(), "me", Timing(lease=seconds), NOON).lease_duration_seconds == written

    def test_what_is_not_known_is_not_written(self) -> None:
        metadata = LeaseMetadata(name="lead", namespace="shop")
        assert manifest(metadata, released(HELD)) == {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "lead", "namespace": "shop"},
            "spec": {"leaseDurationSeconds": 1, "leaseTransitions": 0, "renewTime": HELD.renew_time},
        }

    def test_a_lease_that_was_read_is_replaced_and_no_other(self) -> None:
        metadata = LeaseMetadata(name="lead", namespace="shop", resource_version="7", uid="u")
        assert manifest(metadata, HELD)["metadata"] == {
            "name": "lead",
            "namespace": "shop",
            "resourceVersion": "7",
            "uid": "u",
        }
