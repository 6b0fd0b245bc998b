"""Graphs of a namespace merge; defaults, settings and duplicates."""

import pytest

from servicegraph.compiler.ignores import reported
from servicegraph.model.problems import Code, Severity
from servicegraph.model.refs import GraphKey, ServiceKey
from tests.unit.compiler.cluster import World, app, graph, service, workload

ONE = graph("shop/one", "services: [{name: web, calls: [{service: api}]}, {name: api}]")
TWO = graph("shop/two", "services: [{name: web}]")


@pytest.mark.parametrize(("incumbent", "owner"), [(None, "one"), ("two", "two"), ("one", "one"), ("gone", "one")])
def test_a_service_declared_twice_stays_with_its_incumbent_else_the_smaller_name(
    incumbent: str | None, owner: str
) -> None:
    held = {ServiceKey("shop", "web"): GraphKey("shop", incumbent)} if incumbent else None
    world = World(app("shop/web"), app("shop/api"), ONE, TWO, incumbents=held)
    assert world.allows("shop/web", "shop/api", 8080) is (owner == "one")
    found = {p.graph.name: p for p in world.problems(Code.DUPLICATE_SERVICE)}
    assert found.keys() == {"one", "two"}
    assert {name for name, p in found.items() if p.severity is Severity.WARNING} == {owner}
    assert all(p.path == ".spec.services[0].name" for p in found.values())


def test_the_other_graph_takes_over_when_the_owner_goes() -> None:
    assert World(app("shop/web"), TWO).isolated("shop/web") == ("Ingress", "Egress")
    assert not World(app("shop/web"), TWO).problems(Code.DUPLICATE_SERVICE)


def test_settings_of_a_graph_touch_its_own_services_only() -> None:
    off = graph("shop/off", 'mode: "Off"\nservices: [{name: api}]')
    on = graph("shop/on", "directions: [Ingress]\nservices: [{name: web}]")
    world = World(app("shop/web"), app("shop/api"), off, on)
    assert world.isolated("shop/api") == ()
    assert world.isolated("shop/web") == ("Ingress",)


def test_a_service_may_override_the_graph() -> None:
    spec = (
        'mode: "Off"\ndirections: [Egress]\nservices: [{name: web, mode: Enforce, directions: [Ingress]}, {name: api}]'
    )
    world = World(app("shop/web"), app("shop/api"), graph("shop/shop", spec))
    assert world.isolated("shop/web") == ("Ingress",)
    assert world.isolated("shop/api") == ()


DEFAULTS = """
defaults: {accepts: [{pods: {namespace: ops, labels: {app: prometheus}}, ports: [metrics]}]}
services: [{name: web}, {name: api, accepts: [{anywhere: true, ports: [8080]}]}]
"""


def test_defaults_are_added_to_every_service_that_has_the_port() -> None:
    world = World(
        [service("shop/web", "80"), workload("shop/web", "metrics:9090")],
        app("shop/api"),
        workload("ops/prometheus"),
        graph("shop/shop", DEFAULTS),
    )
    assert world.callers("shop/web") == {"ops/prometheus 9090"}
    assert "ops/prometheus 9090" not in world.callers("shop/api")
    assert world.codes == set()


def test_defaults_that_are_ambiguous_are_told() -> None:
    world = World(
        [service("shop/web", "metrics:80>8080"), workload("shop/web", "metrics:9090")],
        graph("shop/shop", DEFAULTS.replace(", {name: api, accepts: [{anywhere: true, ports: [8080]}]}", "")),
    )
    (problem,) = world.problems(Code.AMBIGUOUS_PORT)
    assert problem.path == ".spec.defaults.accepts[0]"


def test_what_the_author_ignores_is_not_reported() -> None:
    spec = """
    ignores: [{code: CalleeNotIsolated, service: web}, {code: DNSUnknown}]
    services: [{name: web, calls: [{service: api}]}, {name: worker, calls: [{service: api}]}]
    """
    declared = graph("shop/shop", spec)
    world = World(app("shop/web"), app("shop/worker"), app("shop/api"), declared)
    assert len(world.problems(Code.CALLEE_NOT_ISOLATED)) == 2
    left = reported(world.compilation.problems, declared)
    assert [(p.code, p.path) for p in left] == [(Code.CALLEE_NOT_ISOLATED, ".spec.services[1].calls[0]")]
