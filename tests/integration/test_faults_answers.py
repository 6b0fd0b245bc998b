"""The API server refuses, is slow, or is cut off in the middle of an answer: what was asked is done, and done once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kube import Kube, Object
from tests.integration.look import policies, settled, status
from tests.integration.operators import Operator, leading, operating, through
from tests.integration.support import History, end_pod, everything_seen, start_pod
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

FAULTS: dict[str, dict[str, Any]] = {
    "409": {"status": 409},
    "429": {"status": 429, "retry_after": 1},
    "500": {"status": 500},
    "503": {"status": 503},
    "504": {"status": 504},
    "cut before the answer": {"cut_after": 0},
    "cut in the answer": {"cut_after": 100},
    "slow": {"delay": 0.5},
    "slower than a request may take": {"delay": 4.0},
}
faults = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@pytest.fixture(scope="module")
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


@pytest.fixture(scope="module")
def operator(account: Path, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator behind a proxy."""
    folder = tmp_path_factory.mktemp("operator")
    with operating(through(proxy.url, account, folder), folder, request_seconds="3") as running:
        yield leading(running)


@pytest.fixture(autouse=True)
def healed(proxy: FaultProxy) -> Iterator[None]:
    yield
    proxy.heal()


def inject(proxy: FaultProxy, methods: str, path: str, times: int | None, fault: dict[str, Any]) -> Fault:
    found = Fault(methods=frozenset({methods}), path=path, watch=False, times=times, **fault)
    proxy.inject(found)
    return found


@faults
def test_policies_are_written_once(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, fault: dict[str, Any]
) -> None:
    """Creates, then updates, then deletes; each time two answers go wrong."""
    path = f"{namespace}/networkpolicies"
    history = History(kube, namespace)
    kube.apply(*app(namespace, *SHOP))
    everything_seen(kube)

    refused = inject(proxy, "PATCH", path, 2, fault)
    kube.apply(graph(namespace, "shop", SHOP))
    eventually(lambda: settled(kube, namespace), "the policies are created")
    names = {service: policy["metadata"]["name"] for service, policy in policies(kube, namespace).items()}
    assert proxy.hits(refused) == 2
    assert Counter(history.written()) == Counter(names.values())

    inject(proxy, "PATCH", path, 2, fault)
    kube.apply(graph(namespace, "shop", {**SHOP, "search": {}}))
    eventually(lambda: settled(kube, namespace), "the policies are updated")
    assert proxy.hits(refused) == 4
    assert Counter(history.written()) == Counter([*names.values(), names["search"], names["database"]])

    refused = inject(proxy, "DELETE", path, 2, fault)
    kube.apply(graph(namespace, "shop", {"database": {}}))
    eventually(lambda: settled(kube, namespace), "the policies are deleted")
    assert proxy.hits(refused) == 2
    assert policies(kube, namespace).keys() == {"database"}
    assert Counter(history.written()) == Counter([*names.values(), names["search"], names["database"]])


@faults
def test_no_policy_waits_for_a_status(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, fault: dict[str, Any]
) -> None:
    injected = inject(proxy, "PATCH", f"{namespace}/servicegraphs/shop/status", 3, fault)
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: policies(kube, namespace).keys() == SHOP.keys(), "the policies are written")
    eventually(lambda: settled(kube, namespace), "the status is told in the end")
    eventually(lambda: proxy.hits(injected) > 0)


def test_a_namespace_that_fails_delays_no_other(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, neighbour: str
) -> None:
    inject(proxy, "PATCH", f"{namespace}/networkpolicies", None, {"status": 503, "retry_after": 1})
    for place in (namespace, neighbour):
        kube.apply(*app(place, *SHOP), graph(place, "shop", SHOP))
    eventually(lambda: settled(kube, neighbour), "the other is done")
    eventually(lambda: waits(kube, namespace), "it says what it waits for")
    assert not policies(kube, namespace)
    proxy.heal()
    eventually(lambda: settled(kube, namespace), "it is done too")


@pytest.mark.parametrize("edited", [False, True], ids=["created", "updated"])
def test_a_policy_that_is_deleted_before_its_write_is_answered_comes_back(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, edited: bool
) -> None:
    """The deletion is seen first; the answer, which still has the policy, is no news then."""
    kube.apply(*app(namespace, *SHOP))
    everything_seen(kube)
    if edited:
        kube.apply(graph(namespace, "shop", SHOP))
        eventually(lambda: settled(kube, namespace), "all is written")
        kube.delete("NetworkPolicy", namespace, policies(kube, namespace)["database"]["metadata"]["name"])
        eventually(lambda: "database" in policies(kube, namespace), "what is deleted comes back")
    before = policies(kube, namespace).get("search", {"metadata": {}})["metadata"].get("resourceVersion")
    late = Fault(methods=frozenset({"PATCH"}), path=f"{namespace}/networkpolicies/sg-search", delay=2.0, times=1)
    proxy.inject(late)
    kube.apply(graph(namespace, "shop", {**SHOP, "search": calls("database", "frontend")}))

    def written() -> Object | None:
        found = policies(kube, namespace).get("search")
        return None if found is None or found["metadata"]["resourceVersion"] == before else found

    eventually(written, "it is written, and not answered yet")
    uid = (written() or {})["metadata"]["uid"]
    kube.delete("NetworkPolicy", namespace, policies(kube, namespace)["search"]["metadata"]["name"])
    eventually(lambda: policies(kube, namespace).get("search", {"metadata": {"uid": uid}})["metadata"]["uid"] != uid)
    eventually(lambda: settled(kube, namespace), "and the graph is Ready")


def waits(kube: Kube, namespace: str) -> bool:
    conditions = {c["type"]: (c["status"], c["reason"]) for c in status(kube, namespace, "shop").get("conditions", ())}
    return conditions.get("Reconciling") == ("True", "Retrying") and conditions.get("Stalled", ("",))[0] == "False"


@faults
def test_pods_that_cannot_be_listed_may_still_be_there(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, fault: dict[str, Any]
) -> None:
    """A former term stays until the answer says that nobody needs it."""
    moved: Object = {"app": "search-two"}
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: settled(kube, namespace))
    start_pod(kube, namespace, "old", {"app": "search"})
    kube.apply(deployment(namespace, "search-two", moved), service(namespace, "search", moved))
    eventually(lambda: len(kube.list("NetworkPolicy", namespace)) == 4, "the former term keeps its policy")
    injected = inject(proxy, "GET", f"{namespace}/pods", None, fault)
    eventually(lambda: proxy.hits(injected) >= 3, "it is asked again and again")
    assert len(kube.list("NetworkPolicy", namespace)) == 4
    proxy.heal()
    end_pod(kube, namespace, "old")
    eventually(lambda: len(kube.list("NetworkPolicy", namespace)) == 3, "the former term goes")


@pytest.mark.parametrize("path", ["leases", "events"])
@pytest.mark.parametrize(
    "fault", [FAULTS["503"], FAULTS["409"], FAULTS["cut in the answer"]], ids=["503", "409", "cut"]
)
def test_neither_lease_nor_events_end_its_work(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str, path: str, fault: dict[str, Any]
) -> None:
    method = {"leases": "PUT", "events": "POST"}[path]
    injected = inject(proxy, method, f"/{path}", 2, fault)
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: settled(kube, namespace))
    eventually(lambda: proxy.hits(injected) == 2)
    kube.delete("ServiceGraph", namespace, "shop")
    eventually(lambda: not kube.list("NetworkPolicy", namespace))
    assert operator.is_leading()
