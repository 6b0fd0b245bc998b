"""R1: one policy for each selector term of a service, all its directions in one object, every field stated."""

from tests.unit.compiler.cluster import World, app, graph, service, workload

SHOP = """
services:
  - name: frontend
    accepts: [{anywhere: true, ports: [8080]}]
    calls: [{service: search}]
  - name: search
    calls: [{service: database}]
  - name: database
"""


def shop() -> World:
    return World(app("shop/frontend"), app("shop/search"), app("shop/database", "5432"), graph("shop/shop", SHOP))


def test_the_shop_allows_its_calls_and_nothing_else() -> None:
    world = shop()
    assert world.callers("shop/database") == {"shop/search 5432"}
    assert world.callers("shop/search") == {"shop/frontend 8080"}
    everybody = {"shop/frontend", "shop/search", "shop/database", "stranger", "outside"}
    assert world.callers("shop/frontend") == {f"{who} 8080" for who in everybody}
    assert world.callees("shop/frontend") == {"shop/search 8080"}
    assert world.callees("shop/search") == {"shop/database 5432"}
    assert world.callees("shop/database") == set()


def test_a_service_has_one_policy_with_both_directions() -> None:
    world = shop()
    assert world.policies("shop") == ["database", "frontend", "search"]
    assert {tuple(m["spec"]["policyTypes"]) for m in world.manifests.values()} == {("Ingress", "Egress")}


def test_each_term_has_a_policy_of_its_own() -> None:
    world = World(
        service("shop/search", "80>8080"),
        workload("shop/search"),
        workload("shop/search-v2", labels={"app": "search-v2"}),
        graph("shop/shop", "services: [{name: search, selects: [{service: search}, {labels: {app: search-v2}}]}]"),
    )
    assert world.policies("shop") == ["search", "search"]
    assert world.isolated("shop/search") == world.isolated("shop/search-v2") == ("Ingress", "Egress")


def test_every_field_is_stated_even_when_empty() -> None:
    world = World(app("shop/alone"), graph("shop/shop", "services: [{name: alone}]"))
    (made,) = world.manifests.values()
    assert made["spec"] == {
        "podSelector": {"matchLabels": {"app": "alone"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }


def test_a_service_may_call_itself_only_where_it_says_so() -> None:
    silent = World(app("shop/db"), graph("shop/shop", "services: [{name: db}]"))
    assert not silent.allows("shop/db", "shop/db", 8080)
    said = World(app("shop/db"), graph("shop/shop", "services: [{name: db, calls: [{service: db}]}]"))
    assert said.allows("shop/db", "shop/db", 8080)
    assert said.callers("shop/db") == {"shop/db 8080"}
