"""Labels move, objects come and go: the policies follow, and those that need not change do not."""

import pytest

from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import complete, edges, policies, problems, ready, settled
from tests.integration.operators import Operator
from tests.integration.support import History, Scene, policy_writes, scene, shop_pods
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.support.verdict import Pod
from tests.waiting import eventually

CALLS = {"frontend > search:8080", "search > database:8080"}
APART = {"kiosk": calls("till"), "till": {}}
MOVED = {"app": "search-two"}


@pytest.fixture
def street(kube: Kube, operator: Operator, namespace: str) -> str:
    """A namespace with the shop and, in the same graph, two services that have nothing to do with it."""
    kube.apply(*app(namespace, *SHOP, *APART), graph(namespace, "shop", {**SHOP, **APART}))
    eventually(lambda: complete(kube, namespace), "the graph is Ready, all of it")
    assert shop_pods(namespace).allows(kube) == CALLS
    return namespace


def versions_of(kube: Kube, namespace: str, *services: str) -> list[str]:
    found = policies(kube, namespace)
    return [found[name]["metadata"]["resourceVersion"] for name in services]


def after_the_move(namespace: str) -> Scene:
    """The shop with search's new pods; what carries its former labels is a stranger now."""
    return shop_pods(namespace, search=MOVED, stranger={"app": "search"})


def test_a_services_selector_changes(kube: Kube, street: str, audit: Audit) -> None:
    before = versions_of(kube, street, *APART)
    kube.apply(deployment(street, "search-two", MOVED), service(street, "search", MOVED))
    eventually(lambda: after_the_move(street).allows(kube) == CALLS, "the calls lead to the new pods")
    eventually(lambda: len(kube.list("NetworkPolicy", street)) == 5, "the former policy is gone")
    assert versions_of(kube, street, *APART) == before
    eventually(lambda: {name.split("-")[1] for _, name in policy_writes(audit, street)} == set(SHOP), "no other's")
    kube.apply(service(street, "search"))
    eventually(lambda: shop_pods(street, stranger=MOVED).allows(kube) == CALLS, "and back")


def test_a_label_that_is_added_to_the_selector_narrows_it(kube: Kube, street: str) -> None:
    narrow = {"app": "search", "track": "stable"}
    kube.apply(deployment(street, "search-two", narrow), service(street, "search", narrow))
    pods = shop_pods(street, search=narrow, stranger={"app": "search", "track": "canary"})
    eventually(lambda: pods.allows(kube) == CALLS)


def test_a_service_is_deleted_and_created_again(kube: Kube, street: str) -> None:
    """The Deployment of that name has the same pods: no declared call is cut while there is no Service."""
    before = versions_of(kube, street, *APART)
    history = History(kube, street)
    kube.delete("Service", street, "search")
    kube.delete("Service", street, "till")
    kube.apply(service(street, "search", extra=9090, http="http"))
    more = CALLS | {"frontend > search:9090"}
    eventually(lambda: shop_pods(street, 8080, 9090).allows(kube) == more, "the new Service exposes more")
    assert all(shop_pods(street).flows(moment) >= CALLS for moment in history.moments())
    kube.apply(service(street, "till"))
    kube.apply(service(street, "search"))
    eventually(lambda: shop_pods(street, 8080, 9090).allows(kube) == CALLS)
    kiosk, _ = versions_of(kube, street, *APART)
    assert kiosk == before[0]


def test_a_service_without_workloads_is_deleted_and_created_again(
    kube: Kube, operator: Operator, namespace: str
) -> None:
    services = [service(namespace, name, http=8080) for name in SHOP]
    kube.apply(*services, graph(namespace, "shop", SHOP))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS)
    kube.delete("Service", namespace, "search")
    eventually(lambda: edges(kube, namespace) == {"total": 2, "unresolved": 2}, "both calls have lost an end")
    eventually(lambda: problems(kube, namespace).keys() == {"NoPods", "CalleeNotFound"})
    eventually(lambda: policies(kube, namespace).keys() == {"frontend", "database"})
    assert shop_pods(namespace).allows(kube) == {"search > stranger:8080", "stranger > search:8080"}
    kube.apply(services[1])
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS, "all is as it was")
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 2})


@pytest.mark.parametrize(
    "search", [{}, {"selects": [{"workload": {"kind": "Deployment", "name": "search"}}]}], ids=["implied", "selected"]
)
def test_a_workload_bound_by_name_is_created_again(
    kube: Kube, operator: Operator, namespace: str, search: Object
) -> None:
    services = {**SHOP, "search": {**search, **calls("database")}, **APART}
    kube.apply(*(deployment(namespace, name) for name in services), graph(namespace, "shop", services))
    eventually(lambda: settled(kube, namespace), "everything is written")
    assert shop_pods(namespace).allows(kube) == CALLS
    before = versions_of(kube, namespace, *APART)
    kube.delete("Deployment", namespace, "search")
    eventually(lambda: "search" not in policies(kube, namespace), "there is nothing to isolate")
    kube.apply(deployment(namespace, "search", MOVED))
    eventually(lambda: after_the_move(namespace).allows(kube) == CALLS, "its pods have other labels now")
    assert versions_of(kube, namespace, *APART) == before


def test_a_workload_appears_after_the_graph(kube: Kube, operator: Operator, namespace: str) -> None:
    """Its Service was there, but names a port that only the workload numbers."""
    early = [name for name in SHOP if name != "search"]
    kube.apply(*app(namespace, *early), service(namespace, "search"), graph(namespace, "shop", SHOP))
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 1, "unresolved": 1})
    assert "leads to the pod port 'http'" in problems(kube, namespace)["PortNotFound"]
    assert shop_pods(namespace).allows(kube) == {"search > database:8080"}
    kube.apply(deployment(namespace, "search"))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS)
    eventually(lambda: not problems(kube, namespace))


def test_a_graph_appears_before_the_services(kube: Kube, operator: Operator, namespace: str) -> None:
    kube.apply(graph(namespace, "shop", SHOP))
    eventually(lambda: edges(kube, namespace) == {"total": 2, "unresolved": 2})
    eventually(lambda: problems(kube, namespace).keys() == {"NoPods", "CalleeNotFound"})
    assert ready(kube, namespace), "nothing that could be written is missing"
    assert policies(kube, namespace) == {}
    kube.apply(*app(namespace, *SHOP))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS)
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 2} and not problems(kube, namespace))


def test_the_namespace_of_a_callee_is_labelled(
    kube: Kube, operator: Operator, namespace: str, neighbour: str, audit: Audit
) -> None:
    """A namespaceSelector is the cluster's to evaluate, and a call by name does not depend on labels: no write."""
    by_label = {"namespaceSelector": {"matchLabels": {"for": namespace}}, "podSelector": {"matchLabels": {"app": "b"}}}
    services: dict[str, Object] = {
        "frontend": {"calls": [{"service": "a", "namespace": neighbour}]},
        "search": {"calls": [{"pods": by_label, "ports": [8080]}]},
    }
    kube.apply(*app(namespace, *services, *APART), *app(neighbour, "a", "b"))
    kube.apply(graph(namespace, "shop", {**services, **APART}))
    callers = scene(namespace, frontend={"app": "frontend"}, search={"app": "search"})
    pods = Scene({**callers.pods, **{name: Pod(neighbour, {"app": name}) for name in ("a", "b")}})
    by_name = {"a > b:8080", "b > a:8080", "frontend > a:8080"}
    eventually(lambda: pods.allows(kube) == by_name)
    eventually(lambda: complete(kube, namespace))
    before = versions_of(kube, namespace, *services)
    audit.reset()
    kube.patch("Namespace", "", neighbour, {"metadata": {"labels": {"for": namespace}}})
    assert pods.allows(kube) == by_name | {"search > b:8080"}, "its pods are a party now"
    kube.patch("Namespace", "", neighbour, {"metadata": {"labels": {"for": None}}})
    kube.apply(service(namespace, "till", http=9090))
    eventually(lambda: len(policy_writes(audit, namespace)) == 2, "a later change of something else is through")
    assert pods.allows(kube) == by_name
    assert versions_of(kube, namespace, *services) == before


def test_the_namespace_of_a_callee_is_created_again(
    kube: Kube, operator: Operator, namespace: str, neighbour: str
) -> None:
    services = {"frontend": {"calls": [{"service": "ledger", "namespace": neighbour}]}, **APART}
    kube.apply(*app(namespace, *services), graph(namespace, "shop", services))
    ledger = [
        *app(neighbour, "ledger"),
        graph(neighbour, "bank", {"ledger": {"accepts": [{"service": "frontend", "namespace": namespace}]}}),
    ]
    pods = Scene(
        {
            "frontend": Pod(namespace, {"app": "frontend"}),
            "ledger": Pod(neighbour, {"app": "ledger"}),
            "stranger": Pod(neighbour, {}),
        }
    )
    kube.apply(*ledger)
    eventually(lambda: pods.allows(kube) == {"frontend > ledger:8080"})
    eventually(lambda: complete(kube, namespace))
    before = versions_of(kube, namespace, *APART)
    kube.delete("Namespace", "", neighbour)
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 1, "awaitingConsent": 1}, "nobody is there")
    eventually(lambda: kube.get("Namespace", "", neighbour) is None, "the namespace is gone")
    eventually(lambda: not pods.allows(kube) & {"frontend > ledger:8080"}, "the caller's half is withdrawn")
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": neighbour}}, *ledger)
    eventually(lambda: pods.allows(kube) == {"frontend > ledger:8080"})
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 2})
    assert versions_of(kube, namespace, *APART) == before
