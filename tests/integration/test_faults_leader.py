"""Two operators run and one leads: it falls while it writes, and nothing is lost and nothing written twice."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.kube import Audit, Kube
from tests.integration.look import complete, settled, versions
from tests.integration.operators import HASTY, Operator, leading, operating, through
from tests.integration.support import History
from tests.integration.world import SHOP, app, graph, service
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

MANY = [f"svc-{number:03}" for number in range(300)]
CHAIN = {name: {"calls": [{"service": MANY[(number + 1) % len(MANY)]}]} for number, name in enumerate(MANY)}
READY = 'servicegraph_graphs{condition="Ready",status="True"}'


@pytest.fixture
def services(kube: Kube, namespace: str) -> str:
    """A namespace with 300 Services."""
    kube.apply(*(service(namespace, name, http=8080) for name in MANY))
    return namespace


@pytest.fixture
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


@pytest.fixture
def one(account: Path, tmp_path: Path, proxy: FaultProxy) -> Iterator[Operator]:
    """The leader, behind a proxy."""
    with operating(through(proxy.url, account, tmp_path), tmp_path, "one", **HASTY) as running:
        yield leading(running)


@pytest.fixture
def two(account: Path, tmp_path: Path, one: Operator) -> Iterator[Operator]:
    """A follower whose caches are warm."""
    with operating(account, tmp_path, "two", **HASTY) as running:
        eventually(lambda: running.answers("/readyz"), "the follower is ready")
        assert not running.is_leading()
        yield running


def kill(one: Operator, proxy: FaultProxy) -> None:
    one.kill()


def stop(one: Operator, proxy: FaultProxy) -> None:
    one.signal(signal.SIGSTOP)


def end(one: Operator, proxy: FaultProxy) -> None:
    one.signal(signal.SIGTERM)


def cut_off(one: Operator, proxy: FaultProxy) -> None:
    proxy.blackhole()


@pytest.mark.parametrize(
    ("disturb", "exit_code"),
    [(kill, -signal.SIGKILL), (stop, 1), (end, 0), (cut_off, 1)],
    ids=["killed", "stopped", "ended", "cut off"],
)
def test_the_leader_falls_in_the_middle_of_300_policies(
    kube: Kube,
    services: str,
    audit: Audit,
    one: Operator,
    two: Operator,
    proxy: FaultProxy,
    disturb: Callable[[Operator, FaultProxy], None],
    exit_code: int,
) -> None:
    history = History(kube, services)
    audit.reset()
    proxy.inject(Fault(methods=frozenset({"PATCH"}), path="networkpolicies", delay=0.5))
    kube.apply(graph(services, "many", CHAIN))
    eventually(lambda: len(audit.writes(services, "networkpolicies")) > 50, "some are written")
    disturb(one, proxy)
    assert len(versions(kube, services)) < 300, "too late to be a test"
    eventually(lambda: two.is_leading(), "the other takes over")
    eventually(lambda: settled(kube, services, "many"), "and finishes")
    found = versions(kube, services)
    assert len(found) == 300
    audit.reset()
    one.signal(signal.SIGCONT)
    proxy.heal()
    eventually(lambda: one.exit_code is not None, "the former leader ends")
    assert two.is_leading()
    assert audit.writes(services, "networkpolicies", "servicegraphs/status") == [], "it wrote nothing any more"
    assert versions(kube, services) == found
    assert Counter(history.written()) == Counter(found.keys()), "each was written, and none twice"
    assert one.exit_code == exit_code


def test_what_changes_while_nobody_leads_is_done_by_the_next(
    kube: Kube, namespace: str, audit: Audit, one: Operator, two: Operator
) -> None:
    """The stopped leader had seen neither change when it goes on."""
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: complete(kube, namespace))
    before = kube.list("NetworkPolicy", namespace)
    one.signal(signal.SIGSTOP)
    for policy in before:
        kube.patch("NetworkPolicy", namespace, policy["metadata"]["name"], {"spec": {"ingress": [{}]}}, "intruder")
    eventually(lambda: two.is_leading(), "the other takes over")
    specs = [policy["spec"] for policy in before]
    eventually(lambda: [policy["spec"] for policy in kube.list("NetworkPolicy", namespace)] == specs)
    audit.reset()
    one.signal(signal.SIGCONT)
    eventually(lambda: one.exit_code is not None, "the former leader ends")
    assert one.exit_code == 1
    assert audit.writes(namespace, "networkpolicies", "servicegraphs/status") == []


def test_a_follower_counts_what_the_leader_counts(kube: Kube, namespace: str, one: Operator, two: Operator) -> None:
    """So that alerts and dashboards have no gap when it takes over."""
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))

    def counts(operator: Operator) -> list[float]:
        return [operator.metric(name) for name in ("servicegraph_policies", READY)]

    eventually(lambda: min(counts(one)) > 0, "the leader counts")
    eventually(lambda: counts(two) == counts(one), "the follower counts the same")
