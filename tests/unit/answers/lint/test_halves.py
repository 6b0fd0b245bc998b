"""HalfOpen: an entry by labels opens one half, and the other end is a service that does not agree."""

import pytest

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code, Severity
from tests.unit.answers.lint.found import find, message, places
from tests.unit.compiler.cluster import WITH_DNS, Raw, app, graph, namespace, service, workload

CALL = ".spec.services[0].calls[0]"
ACCEPT = ".spec.services[0].accepts[0]"
TOWN = [*app("shop/search"), *app("shop/database", "5432")]


def half_open(*parts: Graph | Raw | list[Raw]) -> list[str]:
    return places(Code.HALF_OPEN, *parts)


def calling(database: str, call: str = "{pods: {labels: {app: database}}, ports: [5432]}") -> Graph:
    return graph("shop/shop", f"{{services: [{{name: search, calls: [{call}]}}, {{name: database{database}}}]}}")


def test_a_call_by_labels_of_a_service_of_the_same_graph() -> None:
    (found,) = find(TOWN, calling(""))
    assert (found.code, found.severity, found.path) == (Code.HALF_OPEN, Severity.WARNING, CALL)
    assert "app=database" in found.message
    assert "shop/database" in found.message
    assert "5432" in found.message


@pytest.mark.parametrize(
    "database",
    [
        ", accepts: [{pods: {labels: {app: search}}, ports: [5432]}]",
        ", accepts: [{anywhere: true, ports: [5432], reason: open data}]",
        ", accepts: [{pods: {namespace: shop, labels: {app: search}}, ports: [1-65535], reason: test}]",
        ", directions: [Egress]",
        ', mode: "Off"',
    ],
    ids=["takes those labels", "takes anybody", "takes a range", "adopts no ingress", "is off"],
)
def test_nothing_where_the_service_lets_the_call_in(database: str) -> None:
    assert half_open(TOWN, calling(database)) == []


def test_the_ports_that_stay_closed_are_told() -> None:
    accepts = ", accepts: [{pods: {labels: {app: search}}, ports: [5432]}]"
    call = "{pods: {labels: {app: database}}, ports: [5432, 9187]}"
    told = message(find(TOWN, calling(accepts, call)))
    assert "at 9187:" in told


def test_nothing_for_a_call_by_name_or_of_pods_that_no_graph_declares() -> None:
    assert half_open(TOWN, calling("", "{service: database}")) == []
    alone = graph("shop/shop", "{services: [{name: search, calls: [{pods: {labels: {app: database}}, ports: [1]}]}]}")
    assert half_open(TOWN, alone) == []


def test_a_service_of_another_namespace_counts_too() -> None:
    caller = graph(
        "shop/shop",
        "{services: [{name: search, calls: [{pods: {namespace: data, labels: {app: database}}, ports: [5432]}]}]}",
    )
    town = [*app("shop/search"), *app("data/database", "5432"), namespace("data")]
    assert half_open(town, caller, graph("data/data", "{services: [{name: database}]}")) == [CALL]
    accepting = (
        "{services: [{name: database, accepts: [{pods: {namespace: shop, labels: {app: search}}, ports: [1]}]}]}"
    )
    assert sorted(half_open(town, caller, graph("data/data", accepting))) == [ACCEPT, CALL]
    assert half_open(town, caller, graph("data/data", accepting.replace("[1]", "[5432]"))) == []


def test_the_same_labels_in_the_callee_s_namespace_are_other_pods() -> None:
    call = "{pods: {namespace: data, labels: {app: database}}, ports: [5432]}"
    caller = graph("shop/shop", f"{{services: [{{name: search, calls: [{call}]}}]}}")
    accepting = "{services: [{name: database, accepts: [{pods: {labels: {app: search}}, ports: [5432]}]}]}"
    town = [*app("shop/search"), *app("data/database", "5432"), *app("data/search")]
    assert half_open(town, caller, graph("data/data", accepting)) == [CALL]


def test_accepting_callers_by_labels_that_do_not_call() -> None:
    accepting = "{name: database, accepts: [{pods: {labels: {app: search}}, ports: [5432]}]}"
    idle = graph("shop/shop", f"{{services: [{accepting}, {{name: search}}]}}")
    assert half_open(TOWN, idle) == [ACCEPT]
    calls = "calls: [{pods: {labels: {app: database}}, ports: [5432]}]"
    assert half_open(TOWN, graph("shop/shop", f"{{services: [{accepting}, {{name: search, {calls}}}]}}")) == []


def test_of_callers_accepted_by_a_shared_label_one_that_calls_is_enough() -> None:
    town = [
        service("shop/database", "5432"),
        workload("shop/database"),
        *[workload(f"shop/{name}", labels={"app": name, "tier": "web"}) for name in ("a", "b")],
    ]
    database = "{name: database, accepts: [{pods: {labels: {tier: web}}, ports: [5432]}]}"
    calls = "calls: [{pods: {labels: {app: database}}, ports: [5432]}]"
    assert half_open(town, graph("shop/g", f"{{services: [{database}, {{name: a, {calls}}}, {{name: b}}]}}")) == []
    assert half_open(town, graph("shop/g", f"{{services: [{database}, {{name: a}}, {{name: b}}]}}")) == [ACCEPT]


def test_pods_that_only_the_default_deny_isolates() -> None:
    spec = "{{isolation: {}, services: [{{name: search, calls: [{{service: database}}]}}]}}"
    told = message(find(TOWN, graph("shop/shop", spec.format("Namespace"))))
    assert "Deployment shop/database" in told
    assert "default deny" in told
    assert half_open(TOWN, graph("shop/shop", spec.format("Members"))) == []


def test_a_resolver_that_a_graph_isolates_and_nobody_may_ask() -> None:
    town = [*TOWN, service("kube-system/kube-dns", "53/UDP dns-tcp:53"), workload("kube-system/kube-dns")]
    shop = graph("shop/shop", "{services: [{name: search, calls: [{service: database}]}, {name: database}]}")
    shut = graph("kube-system/dns", "{services: [{name: kube-dns}]}")
    ports = "ports: [53/UDP, 53/TCP]"
    openly = graph("kube-system/dns", f"{{services: [{{name: kube-dns, accepts: [{{anywhere: true, {ports}}}]}}]}}")
    paths = [p.path for p in find(town, shop, shut, profile=WITH_DNS) if p.code is Code.HALF_OPEN]
    assert paths == [".spec.dns"]
    assert [p for p in find(town, shop, openly, profile=WITH_DNS) if p.code is Code.HALF_OPEN] == []
