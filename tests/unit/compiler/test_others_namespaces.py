"""What other namespaces may and may not do to a graph: R7, R8, R10 and R20 from a hostile neighbour's side."""

import msgspec

from servicegraph.model.problems import Code
from servicegraph.model.profile import ClusterProfile, Engine, Limits
from servicegraph.model.refs import GraphKey
from tests.unit.compiler.cluster import PLAIN, World, app, graph, namespace, service, workload

AGENTS = "services: [{name: web, calls: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: agent}}}%s}]}]"


def test_where_namespaces_are_selected_nobodys_workload_writes_our_ports() -> None:
    hostile = workload("tenant/agent", "metrics:1 ssh:22")
    parts = (app("shop/web"), workload("ops/agent", "metrics:9100"), hostile)
    for ports in ("", ", ports: [metrics]"):
        world = World(*parts, graph("shop/shop", AGENTS % ports))
        assert world.callees("shop/web") == set()
        assert {p.code for p in world.problems()} >= {Code.PORT_NOT_FOUND}
    assert World(*parts, graph("shop/shop", AGENTS % ", ports: [9100]")).callees("shop/web") == {
        "ops/agent 9100",
        "tenant/agent 9100",
    }


def test_ports_of_other_namespaces_are_not_told() -> None:
    spec = """
    services:
      - name: web
        calls:
          - {pods: {namespace: payments, labels: {app: ledger}}, ports: [nosuch]}
          - {service: ledger, namespace: payments, ports: [80, 1]}
    """
    world = World(app("shop/web"), app("payments/ledger", "hidden:80>8080"), graph("shop/shop", spec))
    told = " ".join(p.message for p in world.problems())
    assert "nosuch" in told
    assert "hidden" not in told
    assert "8080" not in told


def test_pods_on_the_host_are_told_where_pods_are_named_by_label() -> None:
    spec = "services: [{name: web, calls: [{pods: {namespace: ops, labels: {app: probe}}, ports: [9100]}]}]"
    probe = workload("ops/probe", "9100", kind="DaemonSet", hostNetwork=True)
    assert Code.HOST_NETWORK in {p.code for p in World(app("shop/web"), probe, graph("shop/shop", spec)).problems()}


def test_a_new_graph_does_not_push_an_older_one_over_the_limit() -> None:
    profile = msgspec.structs.replace(PLAIN, limits=Limits(graphs_per_namespace=1))
    old = msgspec.structs.replace(
        graph("shop/z", "services: [{name: web, calls: [{service: api}]}, {name: api}]"), created="2026-01-01T00:00:00Z"
    )
    new = msgspec.structs.replace(graph("shop/a", "services: [{name: db}]"), created="2026-02-01T00:00:00Z")
    world = World(app("shop/web"), app("shop/api"), app("shop/db"), old, new, profile=profile)
    assert world.allows("shop/web", "shop/api", 8080)
    assert {p.graph for p in world.problems() if p.code is Code.LIMIT_EXCEEDED} == {GraphKey("shop", "a")}


def test_labels_the_engine_does_not_see_tell_no_pods_apart() -> None:
    parts = (
        service("shop/web", "http:80>http", {"app": "web"}),
        workload("shop/web-1", "http:8080", {"app": "web", "pod-template-hash": "a"}),
        workload("shop/web-2", "http:9090", {"app": "web", "pod-template-hash": "b"}),
        graph("shop/shop", "services: [{name: web, accepts: [{anywhere: true, ports: [http]}]}]"),
    )
    cilium = msgspec.structs.replace(PLAIN, engine=Engine(name="Cilium"))
    assert Code.NAMED_PORT_DIVERGES in {p.code for p in World(*parts, profile=cilium).problems()}
    assert Code.NAMED_PORT_DIVERGES not in {p.code for p in World(*parts).problems()}


def test_a_range_that_cannot_be_checked_is_told() -> None:
    spec = "services: [{name: web, calls: [{cidr: 10.20.0.0/16, ports: [443]}]}]"
    parts = (namespace("shop"), app("shop/web"), graph("shop/shop", spec))
    assert Code.PROFILE_INCOMPLETE in {p.code for p in World(*parts, profile=ClusterProfile()).problems()}
    assert Code.PROFILE_INCOMPLETE not in {p.code for p in World(*parts).problems()}
