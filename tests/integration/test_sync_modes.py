"""Modes, directions and isolation: how a graph is adopted step by step, and taken back."""

import pytest

from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import complete, condition, policies, ready, versions
from tests.integration.operators import Operator, down
from tests.integration.support import History, Scene, everything_seen, policy_writes, shop_pods
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.support.verdict import Pod
from tests.waiting import eventually

DENY = "sg-default-deny"
CALLS = {"frontend > search:8080", "search > database:8080"}
MOVED = {"app": "search-two"}
NOBODY = {f"{a} > {b}:8080" for a in (*SHOP, "stranger") for b in (*SHOP, "stranger") if a != b}
"""What is allowed where there are no policies."""


def with_outsider(namespace: str) -> Scene:
    """The pods of the shop, a stranger, and one of another namespace, that no default deny isolates."""
    return Scene({**shop_pods(namespace).pods, "outsider": Pod(f"not-{namespace}", {})})


def with_search(**search: object) -> dict[str, Object]:
    return {**SHOP, "search": {**calls("database"), **search}}


def isolated(namespace: str, services: dict[str, Object] | None = None, **spec: object) -> Object:
    return graph(namespace, "shop", services or dict(SHOP), isolation="Namespace", **spec)


@pytest.fixture
def fortress(kube: Kube, operator: Operator, namespace: str) -> str:
    """The shop under Namespace isolation."""
    kube.apply(*app(namespace, *SHOP), isolated(namespace))
    eventually(lambda: complete(kube, namespace))
    return namespace


def would(kube: Kube, namespace: str) -> str:
    return condition(kube, namespace, "shop", "Ready", "message") or ""


def test_dry_run_of_a_new_graph(kube: Kube, operator: Operator, namespace: str, audit: Audit) -> None:
    kube.apply(*app(namespace, *SHOP), isolated(namespace, mode="DryRun"))
    eventually(lambda: "create 4, update 0 and delete 0" in would(kube, namespace), "it says what it would do")
    assert ready(kube, namespace)
    assert policy_writes(audit, namespace) == []
    kube.apply(graph(namespace, "shop", SHOP))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS)


def test_dry_run_freezes_what_is_live(kube: Kube, shop: str, audit: Audit) -> None:
    """Labels move, a call is removed, a service added, a policy deleted by hand: it only tells."""
    kube.apply(graph(shop, "shop", SHOP, mode="DryRun"))
    eventually(lambda: "create 0, update 0 and delete 0" in would(kube, shop))
    audit.reset()
    before = versions(kube, shop)
    kube.apply(deployment(shop, "search-two", MOVED), service(shop, "search", MOVED))
    eventually(lambda: "create 1, update 2 and delete 1" in would(kube, shop))
    gone = policies(kube, shop)["database"]["metadata"]["name"]
    kube.delete("NetworkPolicy", shop, gone)
    eventually(lambda: "create 2, update 1 and delete 1" in would(kube, shop))
    kube.apply(graph(shop, "shop", {**SHOP, "frontend": {}, "extra": {}}, mode="DryRun"), *app(shop, "extra"))
    eventually(lambda: "create 3, update 1 and delete 1" in would(kube, shop))
    assert policy_writes(audit, shop) == []
    assert versions(kube, shop) == {name: version for name, version in before.items() if name != gone}
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: shop_pods(shop, search=MOVED, stranger={"app": "search"}).allows(kube) == CALLS)


def test_dry_run_of_one_service(kube: Kube, shop: str) -> None:
    """Its own policy is frozen; its callees follow."""
    search = policies(kube, shop)["search"]
    kube.apply(graph(shop, "shop", {**with_search(mode="DryRun", calls=[]), "frontend": {}}))
    eventually(lambda: "services in mode DryRun would create 0, update 1" in would(kube, shop))
    eventually(lambda: not shop_pods(shop).allows(kube), "the halves of the others are withdrawn")
    assert policies(kube, shop)["search"] == search
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: shop_pods(shop).allows(kube) == CALLS)


def test_off_and_back(kube: Kube, fortress: str) -> None:
    kube.apply(isolated(fortress, mode="Off"))
    eventually(lambda: shop_pods(fortress).allows(kube) == NOBODY, "everything is open")
    eventually(lambda: condition(kube, fortress, "shop", "Ready", "reason") == "Off")
    assert versions(kube, fortress) == {}
    kube.apply(isolated(fortress))
    eventually(lambda: shop_pods(fortress).allows(kube) == CALLS)
    eventually(lambda: DENY in versions(kube, fortress) and ready(kube, fortress))


def test_one_service_is_off(kube: Kube, shop: str) -> None:
    """It is open itself, and remains a party of the others, whose policies are not touched."""
    before = versions(kube, shop)
    kube.apply(graph(shop, "shop", with_search(mode="Off")))
    eventually(lambda: policies(kube, shop).keys() == {"frontend", "database"})
    assert versions(kube, shop).items() <= before.items()
    assert shop_pods(shop).allows(kube) == CALLS | {"search > stranger:8080", "stranger > search:8080"}


@pytest.mark.parametrize("mode", ["Off", "DryRun"])
def test_one_service_is_not_enforced_under_namespace_isolation(
    kube: Kube, operator: Operator, namespace: str, mode: str
) -> None:
    kube.apply(*app(namespace, *SHOP))
    everything_seen(kube)
    history = History(kube, namespace)
    kube.apply(isolated(namespace, with_search(mode=mode)))
    place = with_outsider(namespace)
    open_ = {"outsider > search:8080", "search > outsider:8080"}
    eventually(lambda: place.allows(kube) == CALLS | open_, "all but search are closed")
    assert all(place.flows(moment) >= CALLS | open_ for moment in history.moments()), "no moment cuts what is declared"


def test_a_service_goes_off_under_namespace_isolation_and_back(kube: Kube, fortress: str) -> None:
    before = versions(kube, fortress)
    history = History(kube, fortress)
    kube.apply(isolated(fortress, with_search(mode="Off")))
    eventually(lambda: "search" not in policies(kube, fortress), "its policy is gone")
    assert len(versions(kube, fortress)) == 4, "an exemption took its place"
    kube.apply(isolated(fortress))
    eventually(lambda: versions(kube, fortress).keys() == before.keys())
    assert all(shop_pods(fortress).flows(moment) >= CALLS for moment in history.moments()), "no declared call is cut"
    others = {name: version for name, version in before.items() if "search" not in name}
    assert others.items() <= versions(kube, fortress).items(), "nobody else's policy is touched"


def test_one_direction_at_a_time(kube: Kube, operator: Operator, namespace: str) -> None:
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP, directions=["Ingress"]))
    eventually(lambda: complete(kube, namespace))
    assert shop_pods(namespace).allows(kube) == CALLS | {f"{name} > stranger:8080" for name in SHOP}
    kube.apply(graph(namespace, "shop", SHOP, directions=["Egress"]))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS | {f"stranger > {name}:8080" for name in SHOP})
    history = History(kube, namespace)
    kube.apply(graph(namespace, "shop", SHOP))
    eventually(lambda: shop_pods(namespace).allows(kube) == CALLS)
    assert all(shop_pods(namespace).flows(moment) >= CALLS for moment in history.moments())


def test_one_direction_of_one_service_under_namespace_isolation(kube: Kube, fortress: str) -> None:
    before = versions(kube, fortress)
    kube.apply(isolated(fortress, with_search(directions=["Egress"])))
    place = with_outsider(fortress)
    eventually(
        lambda: place.allows(kube) == CALLS | {"outsider > search:8080"}, "the other is open in spite of the deny"
    )
    changed = {name for name, version in versions(kube, fortress).items() if before[name] != version}
    assert len(changed) == 1


def test_isolation_of_the_namespace_comes_and_goes(kube: Kube, shop: str) -> None:
    place = shop_pods(shop, other={"app": "other"})
    strangers = {"stranger > other:8080", "other > stranger:8080"}
    assert place.allows(kube) == CALLS | strangers
    history = History(kube, shop)
    kube.apply(isolated(shop))
    eventually(lambda: place.allows(kube) == CALLS, "every other pod is denied")
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: place.allows(kube) == CALLS | strangers)
    assert all(place.flows(moment) >= CALLS for moment in history.moments())


@pytest.mark.parametrize("running", [True, False], ids=["operator", "no operator"])
def test_a_graph_is_deleted_under_namespace_isolation(
    kube: Kube, operator: Operator, fortress: str, running: bool
) -> None:
    """The default deny goes first, whether the operator or the garbage collector removes it."""
    history = History(kube, fortress)
    if running:
        kube.delete("ServiceGraph", fortress, "shop")
        eventually(lambda: not versions(kube, fortress))
    else:
        with down(operator):
            kube.delete("ServiceGraph", fortress, "shop")
            eventually(lambda: not versions(kube, fortress), "everything is collected")
    eventually(lambda: not history.moments()[-1], "and told")
    names = [{policy["metadata"]["name"] for policy in moment} for moment in history.moments()]
    assert len(names) >= 5, "each of the four went by itself"
    assert all(DENY not in moment or len(moment) == 4 for moment in names)
