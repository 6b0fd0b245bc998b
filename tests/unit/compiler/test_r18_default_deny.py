"""R18: the default deny stands while any graph asks for it; who is not isolated by the graph is exempted from it."""

import pytest

from servicegraph.model.policy import Direction, Mode, PolicyKind
from tests.support.verdict import Pod
from tests.unit.compiler.cluster import World, app, graph

BARE = Pod("shop", {"app": "bare"})
BOTH = ("Ingress", "Egress")


def one(settings: str, spec: str = "isolation: Namespace") -> World:
    services = f"services: [{{name: web, calls: [{{service: api}}]}}, {{name: api{settings}}}]"
    return World(app("shop/web"), app("shop/api"), graph("shop/shop", f"{spec}\n{services}"))


def test_every_other_pod_of_the_namespace_is_denied() -> None:
    world = one("")
    assert world.isolated(BARE) == BOTH
    assert not world.allows("shop/web", BARE, 80)
    assert world.allows("shop/web", "shop/api", 8080)
    assert world.isolated(Pod("elsewhere", {"app": "bare"})) == ()
    assert one("", "isolation: Members").isolated(BARE) == ()


@pytest.mark.parametrize("mode", ['"Off"', "DryRun"])
def test_a_service_that_is_not_enforced_keeps_everything(mode: str) -> None:
    world = one(f", mode: {mode}")
    assert world.isolated("shop/api") == BOTH
    assert world.allows("198.51.100.7", "shop/api", 9)
    assert world.allows("shop/api", "198.51.100.7", 9)
    assert not world.allows("shop/web", "198.51.100.7", 9)


@pytest.mark.parametrize("direction", BOTH)
def test_a_direction_that_is_not_adopted_stays_open(direction: str) -> None:
    world = one(f", directions: [{direction}]")
    assert world.allows("198.51.100.7", "shop/api", 9) is (direction == "Egress")
    assert world.allows("shop/api", "198.51.100.7", 9) is (direction == "Ingress")


def test_a_direction_that_is_not_denied_needs_no_exemption() -> None:
    world = one(', mode: "Off"', "isolation: Namespace\ndirections: [Ingress]")
    assert world.isolated(BARE) == ("Ingress",)
    assert world.isolated("shop/api") == ("Ingress",)
    assert world.allows("198.51.100.7", "shop/api", 9)


def test_the_deny_is_one_object_that_belongs_to_one_graph() -> None:
    world = World(
        app("shop/web"),
        graph("shop/b", "isolation: Namespace\ndirections: [Egress]\nservices: [{name: web}]"),
        graph("shop/a", "isolation: Namespace\ndirections: [Ingress]\nservices: []"),
    )
    (deny,) = [p for p in world.compilation.policies if p.kind is PolicyKind.DEFAULT_DENY]
    assert (deny.graph.name, deny.directions) == ("a", (Direction.INGRESS, Direction.EGRESS))
    assert world.manifests["shop/sg-default-deny"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [],
    }


def test_the_deny_stays_while_any_graph_asks_and_exempts_services_of_all_graphs() -> None:
    asking = graph("shop/b", "isolation: Namespace\nservices: [{name: web}]")
    other = graph("shop/a", 'mode: "Off"\nisolation: Members\nservices: [{name: api}]')
    world = World(app("shop/web"), app("shop/api"), asking, other)
    assert world.isolated(BARE) == BOTH
    assert world.allows("198.51.100.7", "shop/api", 9)
    assert World(app("shop/web"), app("shop/api"), other).isolated(BARE) == ()


def test_a_graph_that_is_off_asks_for_no_deny() -> None:
    world = one("", 'mode: "Off"\nisolation: Namespace')
    assert world.compilation.policies == ()


def test_a_graph_in_dry_run_would_deny_and_does_not() -> None:
    world = one("", "mode: DryRun\nisolation: Namespace")
    assert {p.mode for p in world.compilation.policies} == {Mode.DRY_RUN}
    assert world.manifests == {}
    enforcing = World(
        app("shop/web"),
        graph("shop/a", "mode: DryRun\nisolation: Namespace\nservices: []"),
        graph("shop/b", "isolation: Namespace\nservices: [{name: web}]"),
    )
    assert enforcing.isolated(BARE) == BOTH
