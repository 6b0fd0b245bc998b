"""Waiting longer and longer, never less than asked, never together."""

from servicegraph.sources.backoff import Backoff


def test_waits_double_up_to_the_most() -> None:
    backoff = Backoff(first=1.0, most=8.0)
    for longest in (1.0, 2.0, 4.0, 8.0, 8.0, 8.0):
        assert longest / 2 <= backoff.failed() <= longest


def test_many_failures_are_no_overflow() -> None:
    backoff = Backoff(first=1.0, most=8.0)
    for _ in range(5000):
        assert backoff.failed() <= 8.0


def test_success_begins_anew() -> None:
    backoff = Backoff(first=1.0, most=100.0)
    for _ in range(5):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failures == 0
    assert backoff.failed() <= 1.0


def test_never_sooner_than_asked() -> None:
    assert Backoff(first=0.1, most=1.0).failed(retry_after=30.0) >= 30.0


def test_waits_are_spread() -> None:
    assert len({Backoff(first=1.0).failed() for _ in range(20)}) > 10
