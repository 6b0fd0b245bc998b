"""R20: the limits of the profile hold for tenants; what breaks one gives no rule."""

import pytest

from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile, Engine, Limits, ProfileParty
from tests.unit.compiler.cluster import RANGES, Raw, World, app, endpoints, graph, service


def limited(spec: str, **limits: object) -> World:
    profile = ClusterProfile(
        ranges=RANGES,
        parties=(ProfileParty(name="proxy", cidr="10.30.0.0/24"),),
        limits=Limits(**limits),  # type: ignore[arg-type]
    )
    return World(app("shop/web"), app("shop/api"), graph("shop/shop", spec), profile=profile)


@pytest.mark.parametrize(
    ("entry", "forbidden"),
    [
        ("{service: api}", "service"),
        ("{pods: {labels: {app: api}}, ports: [80]}", "pods"),
        ("{cidr: 198.51.100.0/24, ports: [80]}", "cidr"),
        ("{internet: true, ports: [80]}", "internet"),
        ("{nodes: true, ports: [80]}", "nodes"),
        ("{party: proxy, ports: [80]}", "party"),
        ("{party: proxy, ports: [80]}", "proxy"),
    ],
)
def test_a_forbidden_party_gives_no_rule(entry: str, forbidden: str) -> None:
    spec = f"services: [{{name: web, calls: [{entry}]}}]"
    assert not limited(spec).problems(Code.LIMIT_EXCEEDED)
    world = limited(spec, forbidden_parties=(forbidden,))
    (policy,) = [p for p in world.compilation.policies if p.service and p.service.name == "web"]
    assert policy.egress == ()
    (problem,) = world.problems(Code.LIMIT_EXCEEDED)
    assert (problem.path, problem.severity) == (".spec.services[0].calls[0]", Severity.ERROR)
    assert {edge.rpartition(" ")[2] for edge in world.edges()} == {"Unsupported"}


@pytest.mark.parametrize(
    ("forbidden", "objects"),
    [
        ("cidr", [service("shop/legacy", "https:443", {}), endpoints("shop/legacy", ["198.51.100.7"], "https:443")]),
        ("fqdn", [service("shop/legacy", "https:443", type="ExternalName", externalName="legacy.example.com")]),
    ],
)
def test_a_service_that_stands_for_what_is_forbidden_is_no_way_around(forbidden: str, objects: list[Raw]) -> None:
    spec = "services: [{name: web, calls: [{service: legacy}]}]"

    def world(*forbidden: str) -> World:
        profile = ClusterProfile(engine=Engine("Cilium"), ranges=RANGES, limits=Limits(forbidden_parties=forbidden))
        return World(app("shop/web"), *objects, graph("shop/shop", spec), profile=profile)

    assert world().edges() == {"shop/web -> legacy Active"}
    limited = world(forbidden)
    assert limited.edges() == {"shop/web -> legacy Unsupported"}
    assert [policy.egress for policy in limited.compilation.policies] == [()]
    (problem,) = limited.problems(Code.LIMIT_EXCEEDED)
    assert "Service shop/legacy" in problem.message


def test_a_forbidden_acceptance_gives_no_rule() -> None:
    spec = "services: [{name: web, accepts: [{anywhere: true, ports: [8080]}]}]"
    world = limited(spec, forbidden_parties=("anywhere",))
    assert world.callers("shop/web") == set()
    assert world.codes == {Code.LIMIT_EXCEEDED}


@pytest.mark.parametrize("cidr", ["169.254.169.254/32", "169.254.0.0/16", "168.0.0.0/6", "fd00:ec2::254/128"])
def test_the_metadata_addresses_are_denied_by_default(cidr: str) -> None:
    for verb in ("calls", "accepts"):
        world = limited(f"services: [{{name: web, {verb}: [{{cidr: '{cidr}', ports: [80]}}]}}]")
        assert not world.allows("shop/web", "169.254.169.254", 80)
        assert world.codes >= {Code.LIMIT_EXCEEDED}


def test_a_denied_range_that_is_excepted_is_none() -> None:
    spec = "services: [{name: web, calls: [{cidr: 168.0.0.0/6, except: [169.254.0.0/16], ports: [80]}]}]"
    world = limited(spec)
    assert world.allows("shop/web", "168.1.1.1", 80)
    assert not world.allows("shop/web", "169.254.169.254", 80)


def test_denied_ranges_of_the_profile_replace_the_default() -> None:
    spec = "services: [{name: web, calls: [{cidr: 198.51.100.0/24, ports: [80]}]}]"
    assert limited(spec, denied_cidrs=("198.51.100.64/26",)).codes >= {Code.LIMIT_EXCEEDED}


CALLS = """
services:
  - {name: web, calls: [{service: api, ports: [80]}, {service: web}]}
  - {name: api, calls: [{service: web}]}
"""


def test_calls_beyond_the_limit_of_a_namespace_give_no_rule() -> None:
    assert not limited(CALLS, edges_per_namespace=3).problems(Code.LIMIT_EXCEEDED)
    world = limited(CALLS, edges_per_namespace=2)
    assert len(world.compilation.edges) == 2
    assert not world.allows("shop/web", "shop/web", 8080)
    assert world.isolated("shop/web") == world.isolated("shop/api") == ("Ingress", "Egress")
    (problem,) = world.problems(Code.LIMIT_EXCEEDED)
    assert "2 calls" in problem.message


def test_acceptances_do_not_count_as_calls() -> None:
    spec = "services: [{name: web, accepts: [{anywhere: true, ports: [8080]}, {nodes: true, ports: [1]}]}]"
    assert not limited(spec, edges_per_namespace=1).problems(Code.LIMIT_EXCEEDED)


def test_calls_of_all_graphs_of_a_namespace_count_together() -> None:
    profile = ClusterProfile(limits=Limits(edges_per_namespace=1))
    world = World(
        app("shop/a"),
        app("shop/b"),
        graph("shop/one", "services: [{name: a, calls: [{service: b}]}]"),
        graph("shop/two", "services: [{name: b, calls: [{service: a}]}]"),
        profile=profile,
    )
    assert world.edges() == {"shop/a -> b Active"}
    assert {p.graph.name for p in world.problems(Code.LIMIT_EXCEEDED)} == {"two"}


def test_graphs_beyond_the_limit_give_no_rule_but_isolate() -> None:
    profile = ClusterProfile(limits=Limits(graphs_per_namespace=1))
    world = World(
        app("shop/a"),
        app("shop/b"),
        graph("shop/one", "services: [{name: a, calls: [{service: b}]}]"),
        graph("shop/two", "services: [{name: b, calls: [{service: a}], accepts: [{anywhere: true, ports: [8080]}]}]"),
        profile=profile,
    )
    assert world.callers("shop/b") == {"shop/a 8080"}
    assert world.callees("shop/b") == set()
    assert {p.graph.name for p in world.problems(Code.LIMIT_EXCEEDED)} == {"two"}
    elsewhere = World(app("shop/a"), graph("shop/one", "services: [{name: a}]"), graph("web/x", "{}"), profile=profile)
    assert not elsewhere.problems(Code.LIMIT_EXCEEDED)
