"""Operators start, stop, die and follow each other: where nothing changed they write nothing at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import condition, settled, status, versions
from tests.integration.operators import HASTY, Operator, leading, operating
from tests.integration.support import end_pod, start_pod
from tests.integration.world import SHOP, app, deployment, graph, service
from tests.waiting import eventually

MOVED = {"app": "search-two"}
INVALID: Object = {"odd": {"calls": [{"cidr": "10.20.1.0/16", "ports": [443]}]}}
"""What the API server takes, and the parser does not."""


@pytest.fixture
def busy(kube: Kube, account: Path, tmp_path: Path, namespace: str, neighbour: str) -> Iterator[str]:
    """A namespace with something of everything that an operator knows, and no operator that runs any more."""
    with operating(account, tmp_path, "before", resync_seconds="0.5") as first:
        leading(first)
        waiting: Object = {"kiosk": {"calls": [{"service": "ledger", "namespace": neighbour}, {"service": "nothing"}]}}
        kube.apply(*app(neighbour, "ledger"), graph(neighbour, "bank", {"ledger": {}}))
        kube.apply(*app(namespace, *SHOP, "kiosk", "trial", "odd"))
        kube.apply(graph(namespace, "shop", SHOP, isolation="Namespace"), graph(namespace, "waiting", waiting))
        kube.apply(graph(namespace, "trial", {"trial": {}}, mode="DryRun"), graph(namespace, "invalid", INVALID))
        kube.apply(graph(namespace, "twice", {"search": {}}))
        eventually(lambda: settled(kube, namespace), "the shop is Ready")
        start_pod(kube, namespace, "old", {"app": "search"})
        kube.apply(deployment(namespace, "search-two", MOVED), service(namespace, "search", MOVED))
        eventually(lambda: first.metric("servicegraph_draining_terms") == 1, "the former term of search drains")
        graphs = ("shop", "waiting", "trial", "invalid", "twice")
        eventually(lambda: all(condition(kube, namespace, g, "Reconciling") == "False" for g in graphs))
        assert len(status(kube, namespace, "waiting")["problems"]) > 1
        moved = {"matchLabels": MOVED}
        eventually(lambda: moved in [p["spec"]["podSelector"] for p in kube.list("NetworkPolicy", namespace)])
        eventually(lambda: first.metric("servicegraph_queue_depth") == 0, "what moved is written")
        see_all(first)
        assert first.stop() == 0
    yield namespace


def see_all(operator: Operator) -> None:
    """Return when everything has been compared some more times."""
    before = operator.metric("servicegraph_reconcile_seconds_count")
    eventually(lambda: operator.metric("servicegraph_reconcile_seconds_count") >= before + 5, "resyncs")


def test_neither_a_restart_nor_another_leader_writes(
    kube: Kube, account: Path, tmp_path: Path, busy: str, audit: Audit
) -> None:
    before = versions(kube, busy)
    quick = {"resync_seconds": "0.5"}
    with operating(account, tmp_path, "restarted", **quick) as first:
        see_all(leading(first))
        assert audit.writes_in(busy) == [], "after a restart"
        with operating(account, tmp_path, "second", **quick, **HASTY) as second:
            eventually(lambda: second.answers("/readyz"), "its caches are warm")
            assert first.stop() == 0
            see_all(leading(second))
            assert audit.writes_in(busy) == [], "when the leader went"
            with operating(account, tmp_path, "third", **quick) as third:
                eventually(lambda: third.answers("/readyz"), "its caches are warm")
                second.kill()
                see_all(leading(third))
                assert audit.writes_in(busy) == [], "when the leader died"
                assert versions(kube, busy) == before
                end_pod(kube, busy, "old")
                eventually(lambda: len(versions(kube, busy)) == len(before) - 1, "what drained is not forgotten")


def test_the_lease_is_given_back(account: Path, tmp_path: Path) -> None:
    """The next need not wait until it runs out, which would take longer than this test."""
    with operating(account, tmp_path, "one", lease_seconds="600", renew_seconds="400") as one:
        leading(one)
        assert one.stop() == 0
    with operating(account, tmp_path, "two", lease_seconds="600", renew_seconds="400") as two:
        leading(two)
