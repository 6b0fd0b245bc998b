"""Operators that stop, die and take over: nothing is lost and nothing written twice."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicegraph.compiler.emit.names import DEFAULT_DENY
from tests.integration.kube import Audit, Kube
from tests.integration.look import condition, peers, policies, versions
from tests.integration.operators import Operator, leading, operating
from tests.integration.world import SHOP, app, calls, graph, pod, service
from tests.waiting import eventually
from tools.cluster import Cluster

IN_FLIGHT = 12
MANY = [f"svc-{number:03}" for number in range(300)]


@pytest.fixture
def busy(kube: Kube, account: Path, tmp_path: Path, namespace: str) -> Iterator[str]:
    """A namespace in which something of every kind is going on, and no operator runs any more."""
    with operating(account, tmp_path, "before") as first:
        leading(first)
        kube.apply(*app(namespace, *SHOP), pod(namespace, "old", {"app": "search"}))
        kube.apply(graph(namespace, "shop", SHOP, isolation="Namespace"))
        kube.apply(*app(namespace, "trial"), graph(namespace, "trial", {"trial": {}}, mode="DryRun"))
        eventually(lambda: condition(kube, namespace, "shop", "Ready") == "True", "the shop is Ready")
        kube.apply(service(namespace, "search", {"app": "search-two"}))
        eventually(lambda: first.metric("servicegraph_draining_terms") == 1, "the former term of search drains")
        eventually(lambda: condition(kube, namespace, "trial", "Ready", "reason") == "DryRun", "the trial is Ready")
        eventually(lambda: condition(kube, namespace, "shop", "Reconciling") == "False")
        assert first.stop() == 0
    yield namespace


def settled(operator: Operator) -> bool:
    """Whether everything has been compared at least once."""
    return operator.is_leading() and operator.metric("servicegraph_reconcile_seconds_count") > 0


def test_a_restart_writes_nothing(kube: Kube, account: Path, tmp_path: Path, busy: str, audit: Audit) -> None:
    before = versions(kube, busy)
    with operating(account, tmp_path, resync_seconds="0.5") as second:
        leading(second)
        eventually(lambda: second.metric("servicegraph_reconcile_seconds_count") > 5, "some resyncs are over")
        assert audit.writes("networkpolicies", "servicegraphs") == []
        assert versions(kube, busy) == before
        kube.call("DELETE", f"/api/v1/namespaces/{busy}/pods/old", gracePeriodSeconds="0")
        eventually(lambda: len(versions(kube, busy)) == len(before) - 1, "the former term is still known, and goes")


def test_killed_in_the_middle_of_300_policies(
    kube: Kube, account: Path, tmp_path: Path, namespace: str, audit: Audit
) -> None:
    for name in MANY:
        kube.apply(service(namespace, name, http=8080))
    services = {name: {"calls": [{"service": MANY[(i + 1) % len(MANY)]}]} for i, name in enumerate(MANY)}
    with operating(account, tmp_path, "one") as one:
        leading(one)
        with operating(account, tmp_path, "two") as two:
            eventually(lambda: two.answers("/readyz"), "the other has its caches warm")
            kube.apply(graph(namespace, "many", services))
            eventually(lambda: len(versions(kube, namespace)) > 50, "some are written")
            one.kill()
            assert len(versions(kube, namespace)) < 300, "killed too late to be a test"
            leading(two)
            eventually(lambda: condition(kube, namespace, "many", "Ready") == "True", "the other finishes")
            assert len(versions(kube, namespace)) == 300
    written = Counter(
        entry["objectRef"]["name"] for entry in audit.writes("networkpolicies") if entry["responseStatus"]["code"] < 300
    )
    # What was under way when the first died is done, but the audit log does not say that it succeeded.
    assert 300 - 2 * IN_FLIGHT < len(written) <= 300
    assert set(written.values()) == {1}, [name for name, count in written.items() if count > 1]


def test_stopped_past_its_lease_and_continued(
    kube: Kube, account: Path, tmp_path: Path, namespace: str, audit: Audit
) -> None:
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    with operating(account, tmp_path, "one") as one:
        leading(one)
        eventually(lambda: condition(kube, namespace, "shop", "Ready") == "True", "the shop is Ready")
        one.signal(signal.SIGSTOP)
        with operating(account, tmp_path, "two") as two:
            leading(two)
            policy = next(iter(versions(kube, namespace)))
            kube.patch("NetworkPolicy", namespace, policy, {"spec": {"ingress": [{}]}}, manager="intruder")
            eventually(lambda: len(audit.writes("networkpolicies")) > 3, "the new leader reverts it")
            audit.reset()
            one.signal(signal.SIGCONT)
            eventually(lambda: one.exit_code is not None, "the former leader ends")
            assert one.exit_code == 1
            assert audit.writes("networkpolicies", "servicegraphs") == []


def test_stopping_gives_the_lease_back(account: Path, tmp_path: Path) -> None:
    with operating(account, tmp_path, "one", lease_seconds="60", renew_seconds="40") as one:
        leading(one)
        assert one.stop() == 0
    with operating(account, tmp_path, "two", lease_seconds="60", renew_seconds="40") as two:
        leading(two)


def test_garbage_collection_removes_the_deny_first(kube: Kube, account: Path, tmp_path: Path, namespace: str) -> None:
    with operating(account, tmp_path) as alone:
        leading(alone)
        kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP, isolation="Namespace"))
        eventually(lambda: condition(kube, namespace, "shop", "Ready") == "True", "the shop is Ready")
        assert alone.stop() == 0
    kube.delete("ServiceGraph", namespace, "shop")

    def deny_first() -> bool:
        left = [policy["metadata"]["name"] for policy in kube.list("NetworkPolicy", namespace)]
        assert DEFAULT_DENY not in left or len(left) == 4, f"an allow went before the deny: {left}"
        return not left

    eventually(deny_first, "everything is collected", seconds=60)


def test_deletions_that_no_watch_saw(
    kube: Kube, control_plane: Cluster, account: Path, tmp_path: Path, namespace: str
) -> None:
    kube.apply(*app(namespace, *SHOP, "extra"), graph(namespace, "shop", SHOP))
    kube.apply(graph(namespace, "extra", {"extra": {**calls("search")}}))
    with operating(account, tmp_path, lease_seconds="120", renew_seconds="90") as alone:
        leading(alone)
        eventually(lambda: condition(kube, namespace, "shop", "Ready") == "True", "the shop is Ready")
        eventually(lambda: condition(kube, namespace, "extra", "Ready") == "True", "the caller is Ready")
        assert ({"app": "extra"}, [8080]) in peers(policies(kube, namespace)["search"], "ingress")
        alone.signal(signal.SIGSTOP)
        kube.delete("ServiceGraph", namespace, "extra")
        kube.delete("Service", namespace, "database")
        kube.delete("Deployment", namespace, "database")
        control_plane.compact_etcd()
        control_plane.restart_apiserver()
        alone.signal(signal.SIGCONT)
        left = [({"app": "frontend"}, [8080])]
        eventually(lambda: peers(policies(kube, namespace)["search"], "ingress") == left, "the caller is gone")
        eventually(lambda: condition(kube, namespace, "shop", "EdgesResolved") == "False", "so is the callee")
