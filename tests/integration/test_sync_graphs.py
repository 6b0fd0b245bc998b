"""Several graphs in a namespace: each team owns its fragment, and they merge."""

import pytest

from tests.integration.kube import Kube, Object
from tests.integration.look import edges, policies, problems, settled, status, translated, versions
from tests.integration.operators import Operator, down
from tests.integration.support import History, shop_pods
from tests.integration.world import SHOP, app, calls, graph, service
from tests.waiting import eventually

CALLS = {"frontend > search:8080", "search > database:8080"}
BACK = {"search": calls("database"), "database": {}}


def front(namespace: str, *callees: str) -> Object:
    return graph(namespace, "front", {"frontend": calls(*callees)})


def back(namespace: str, **spec: str) -> Object:
    return graph(namespace, "back", BACK, **spec)


def graphs_of(kube: Kube, namespace: str) -> dict[str, set[str]]:
    """The graphs that own each service's policy."""
    found = policies(kube, namespace)
    return {name: {o["name"] for o in policy["metadata"]["ownerReferences"]} for name, policy in found.items()}


@pytest.fixture
def teams(kube: Kube, operator: Operator, namespace: str) -> str:
    """The shop, as the graphs of two teams."""
    kube.apply(*app(namespace, *SHOP), front(namespace, "search"), back(namespace))
    eventually(lambda: settled(kube, namespace, "front") and settled(kube, namespace, "back"))
    eventually(lambda: translated(kube, namespace))
    return namespace


def test_calls_between_graphs(kube: Kube, teams: str) -> None:
    assert shop_pods(teams).allows(kube) == CALLS
    assert graphs_of(kube, teams) == {"frontend": {"front"}, "search": {"back"}, "database": {"back"}}
    assert edges(kube, teams, "front") == edges(kube, teams, "back") == {"total": 1, "active": 1}
    eventually(lambda: not problems(kube, teams, "front") and not problems(kube, teams, "back"))


def test_an_edit_of_one_graph_reaches_the_others_callee(kube: Kube, teams: str) -> None:
    before = policies(kube, teams)["database"]
    kube.apply(front(teams))
    eventually(lambda: shop_pods(teams).allows(kube) == {"search > database:8080"}, "both halves are withdrawn")
    kube.apply(front(teams, "search"))
    eventually(lambda: shop_pods(teams).allows(kube) == CALLS)
    assert policies(kube, teams)["database"] == before


def test_a_graph_is_deleted_while_the_other_calls_into_it(kube: Kube, teams: str) -> None:
    before = policies(kube, teams)["frontend"]
    kube.delete("ServiceGraph", teams, "back")
    eventually(lambda: policies(kube, teams).keys() == {"frontend"})
    eventually(lambda: "CalleeNotIsolated" in problems(kube, teams, "front"), "the callee is outside now")
    assert edges(kube, teams, "front") == {"total": 1, "active": 1}
    flows = shop_pods(teams).allows(kube)
    assert "frontend > search:8080" in flows and "frontend > database:8080" not in flows
    kube.apply(back(teams))
    eventually(lambda: shop_pods(teams).allows(kube) == CALLS)
    eventually(lambda: not problems(kube, teams, "front"))
    assert policies(kube, teams)["frontend"] == before, "the caller's half was never touched"


@pytest.mark.parametrize("mode", ["DryRun", "Off"])
def test_a_graph_in_another_mode_remains_a_party(kube: Kube, teams: str, mode: str) -> None:
    before = policies(kube, teams)["frontend"]
    kube.apply(back(teams, mode=mode))
    eventually(lambda: status(kube, teams, "back").get("conditions", [{}])[0].get("reason") == mode)
    eventually(lambda: policies(kube, teams).keys() == ({"frontend"} if mode == "Off" else set(SHOP)))
    kube.apply(back(teams))
    eventually(lambda: shop_pods(teams).allows(kube) == CALLS)
    assert policies(kube, teams)["frontend"] == before


def test_a_service_that_is_claimed_twice_stays_with_its_graph(kube: Kube, shop: str) -> None:
    """Also when the other graph has the smaller name, and across a change of the first."""
    before = versions(kube, shop)
    kube.apply(graph(shop, "a-claim", {"search": {}}))
    eventually(lambda: f"{shop}/a-claim" in problems(kube, shop).get("DuplicateService", ""))
    eventually(lambda: "DuplicateService" in problems(kube, shop, "a-claim"), "both are told")
    eventually(lambda: status(kube, shop, "a-claim")["services"] == 0)
    assert versions(kube, shop) == before
    kube.apply(graph(shop, "shop", {**SHOP, "frontend": {}}))
    eventually(lambda: shop_pods(shop).allows(kube) == {"search > database:8080"})
    assert graphs_of(kube, shop)["search"] == {"shop"}


def test_a_service_that_is_claimed_twice_stays_with_its_graph_across_a_restart(
    kube: Kube, operator: Operator, shop: str
) -> None:
    before = versions(kube, shop)
    with down(operator):
        kube.apply(graph(shop, "a-claim", {"search": {}}))
    eventually(lambda: "DuplicateService" in problems(kube, shop, "a-claim"))
    kube.apply(service(shop, "frontend", http=9090), *app(shop, "later"), graph(shop, "later", {"later": {}}))
    eventually(lambda: settled(kube, shop, "later"), "the namespace has been compared")
    assert before.items() <= versions(kube, shop).items() | before.items()
    assert graphs_of(kube, shop)["search"] == {"shop"}
    assert shop_pods(shop).allows(kube) == CALLS


@pytest.mark.parametrize("how", ["deleted", "edited"])
def test_a_service_that_is_claimed_twice_goes_to_the_other(kube: Kube, shop: str, how: str) -> None:
    """Where the first is deleted the garbage collector may be before the operator: then the policy comes back."""
    kube.apply(
        graph(shop, "z-claim", {"search": {"accepts": [{"pods": {"labels": {"app": "stranger"}}, "ports": [8080]}]}})
    )
    eventually(lambda: "DuplicateService" in problems(kube, shop, "z-claim"))
    history = History(kube, shop)
    if how == "deleted":
        kube.delete("ServiceGraph", shop, "shop")
    else:
        kube.apply(graph(shop, "shop", {"frontend": calls("search"), "database": {}}))
    eventually(lambda: graphs_of(kube, shop).get("search") == {"z-claim"})
    eventually(lambda: not problems(kube, shop, "z-claim"))
    eventually(lambda: graphs_of(kube, shop).keys() == ({"search"} if how == "deleted" else set(SHOP)))
    flows = shop_pods(shop).allows(kube)
    assert "stranger > search:8080" in flows and "search > database:8080" not in flows
    if how == "edited":
        place = shop_pods(shop, other={"app": "other"})
        assert all("other > search:8080" not in place.flows(moment) for moment in history.moments()), "never open"


def test_claims_that_meet_are_decided_by_name(kube: Kube, operator: Operator, namespace: str) -> None:
    with down(operator):
        kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP), graph(namespace, "a-claim", {"search": {}}))
    eventually(lambda: graphs_of(kube, namespace).get("search") == {"a-claim"})
    eventually(lambda: "DuplicateService" in problems(kube, namespace))
    eventually(lambda: shop_pods(namespace).allows(kube) == {"frontend > search:8080"})
