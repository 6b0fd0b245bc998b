"""R11: a DNS name without an engine that can enforce it is unsupported, and never resolved to addresses."""

import pytest

from servicegraph.model.problems import Code, Severity
from tests.unit.compiler.cluster import World, app, graph


@pytest.mark.parametrize("name", ["api.example.com", '"*.example.com"'])
def test_a_name_gives_no_rule_and_a_problem(name: str) -> None:
    spec = f"services: [{{name: web, calls: [{{fqdn: {name}, ports: [443]}}]}}]"
    world = World(app("shop/web"), graph("shop/shop", spec))
    assert world.callees("shop/web") == set()
    (problem,) = world.problems(Code.UNSUPPORTED_FQDN)
    assert problem.severity is Severity.ERROR
    assert {edge.rpartition(" ")[2] for edge in world.edges()} == {"Unsupported"}


def test_an_engine_that_nothing_is_written_for_is_told() -> None:
    world = World(app("shop/web"), graph("shop/shop", "engine: Cilium\nservices: [{name: web}]"))
    (problem,) = world.problems(Code.ENGINE_UNAVAILABLE)
    assert problem.path == ".spec.engine"
    assert world.isolated("shop/web") == ("Ingress", "Egress")
