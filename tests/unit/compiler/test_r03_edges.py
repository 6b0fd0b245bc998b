"""R3: an edge opens both halves; mode and directions decide only what is written for a service's own pods."""

import pytest

from servicegraph.model.problems import Code
from tests.unit.compiler.cluster import World, app, graph, service, workload

PAIR = """
services:
  - {{name: web, calls: [{{service: api}}]{web}}}
  - {{name: api{api}}}
"""


def pair(web: str = "", api: str = "") -> World:
    """`web` calls `api`; what else each of them says."""
    return World(app("shop/web"), app("shop/api"), graph("shop/shop", PAIR.format(web=web, api=api)))


def test_both_halves_are_written() -> None:
    world = pair()
    assert world.callees("shop/web") == {"shop/api 8080"}
    assert world.callers("shop/api") == {"shop/web 8080"}
    assert world.edges() == {"shop/web -> api Active"}


@pytest.mark.parametrize("mode", ['"Off"', "DryRun"])
def test_a_caller_remains_a_party_in_any_mode(mode: str) -> None:
    world = pair(web=f", mode: {mode}")
    assert world.isolated("shop/web") == ()
    assert world.callers("shop/api") == {"shop/web 8080"}


@pytest.mark.parametrize("mode", ['"Off"', "DryRun"])
def test_a_callee_remains_a_party_in_any_mode(mode: str) -> None:
    world = pair(api=f", mode: {mode}")
    assert world.isolated("shop/api") == ()
    assert world.callees("shop/web") == {"shop/api 8080"}


def test_dry_run_computes_what_it_would_write() -> None:
    world = pair(api=", mode: DryRun")
    assert world.policies("shop") == ["api", "web"]
    assert len(world.manifests) == 1
    assert pair(api=', mode: "Off"').policies("shop") == ["web"]


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_a_direction_left_out_appears_in_no_policy(direction: str) -> None:
    world = pair(web=f", directions: [{direction}]", api=f", directions: [{direction}]")
    assert world.isolated("shop/web") == world.isolated("shop/api") == (direction,)
    assert world.allows("shop/web", "shop/api", 8080)
    (made,) = [m for m in world.manifests.values() if m["metadata"]["labels"]["servicegraph.dev/service"] == "web"]
    assert made["spec"]["ingress"] == []


def test_a_callee_that_no_graph_declares_gets_the_callers_half() -> None:
    world = World(
        app("shop/web"), app("shop/api"), graph("shop/shop", "services: [{name: web, calls: [{service: api}]}]")
    )
    assert world.callees("shop/web") == {"shop/api 8080"}
    assert world.isolated("shop/api") == ()
    (problem,) = world.problems(Code.CALLEE_NOT_ISOLATED)
    assert problem.path == ".spec.services[0].calls[0]"


def test_a_callee_that_is_nothing_is_unresolved() -> None:
    world = World(app("shop/web"), graph("shop/shop", "services: [{name: web, calls: [{service: api}]}]"))
    assert world.callees("shop/web") == set()
    assert world.edges() == {"shop/web -> api Unresolved"}
    assert world.codes == {Code.CALLEE_NOT_FOUND, Code.DNS_UNKNOWN}


def test_a_caller_without_pods_is_told_and_its_calls_are_unresolved() -> None:
    world = World(app("shop/api"), graph("shop/shop", PAIR.format(web="", api="")))
    assert world.callers("shop/api") == set()
    assert world.edges() == {"shop/web -> api Unresolved"}
    assert world.codes >= {Code.NO_PODS}


def test_a_call_between_two_graphs_of_a_namespace_needs_no_consent() -> None:
    world = World(
        app("shop/web"),
        app("shop/api"),
        graph("shop/one", "services: [{name: web, calls: [{service: api}]}]"),
        graph("shop/two", "services: [{name: api}]"),
    )
    assert world.allows("shop/web", "shop/api", 8080)
    assert world.edges() == {"shop/web -> api Active"}
    assert world.callers("shop/api") == {"shop/web 8080"}


def test_a_service_is_its_service_else_the_workloads_of_its_name() -> None:
    selected = World(
        service("shop/api", "80>8080", {"tier": "backend"}),
        workload("shop/api"),
        workload("shop/worker", labels={"tier": "backend"}),
        graph("shop/shop", "services: [{name: api}]"),
    )
    assert selected.isolated("shop/worker") == ("Ingress", "Egress")
    assert selected.isolated("shop/api") == ()
    named = World(workload("shop/api"), graph("shop/shop", "services: [{name: api}]"))
    assert named.isolated("shop/api") == ("Ingress", "Egress")


def test_terms_add_up() -> None:
    spec = """
    services:
      - name: api
        selects:
          - {service: api-v2}
          - {workload: {kind: StatefulSet, name: store}}
          - {labels: {app: bare}}
      - {name: web, calls: [{service: api, ports: [80]}]}
    """
    world = World(
        app("shop/web"),
        service("shop/api", "80>8080"),
        service("shop/api-v2", "80>8082"),
        workload("shop/api-v2"),
        workload("shop/store", kind="StatefulSet"),
        workload("shop/bare"),
        workload("shop/api"),
        graph("shop/shop", spec),
    )
    assert world.callers("shop/api-v2") == {"shop/web 8082"}
    assert world.callers("shop/store") == world.callers("shop/bare") == {"shop/web 8080"}
    assert world.isolated("shop/api") == ()
