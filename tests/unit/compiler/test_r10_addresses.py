"""R10: addresses only from one's own namespace; ipBlock never for pods."""

import pytest

from servicegraph.model.problems import Code
from servicegraph.model.profile import ClusterProfile, ProfileParty
from tests.unit.compiler.cluster import OUTSIDE, PLAIN, RANGES, World, app, endpoints, graph, service

CALLS = "services: [{name: web, calls: [{service: legacy}]}]"
LEGACY = service("shop/legacy", "https:443", {})


def test_a_service_without_selector_becomes_the_addresses_of_its_endpoints() -> None:
    slices = endpoints("shop/legacy", ["198.51.100.7", "198.51.100.8"], "https:8443")
    world = World(app("shop/web"), LEGACY, slices, graph("shop/shop", CALLS))
    assert world.allows("shop/web", "198.51.100.7", 8443)
    assert world.allows("shop/web", "198.51.100.8", 8443)
    assert not world.allows("shop/web", "198.51.100.9", 8443)
    assert not world.allows("shop/web", "198.51.100.7", 443)
    (made,) = world.manifests.values()
    assert {peer["ipBlock"]["cidr"] for peer in made["spec"]["egress"][0]["to"]} == {
        "198.51.100.7/32",
        "198.51.100.8/32",
    }


def test_ipv6_endpoints_become_128() -> None:
    slices = {**endpoints("shop/legacy", ["2001:db8::7"], "https:443"), "addressType": "IPv6"}
    world = World(app("shop/web"), LEGACY, slices, graph("shop/shop", CALLS))
    assert world.allows("shop/web", "2001:db8::7", 443)
    assert not world.allows("shop/web", "2001:db8::8", 443)


@pytest.mark.parametrize("address", ["10.244.3.4", "10.96.0.10", "10.0.0.4", "169.254.169.254", "::ffff:10.244.3.4"])
def test_addresses_inside_the_cluster_give_no_rule_and_a_problem(address: str) -> None:
    slices = endpoints("shop/legacy", [address, "198.51.100.7"], "https:443")
    world = World(app("shop/web"), LEGACY, slices, graph("shop/shop", CALLS))
    (made,) = world.manifests.values()
    assert made["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "198.51.100.7/32"}}], "ports": [{"protocol": "TCP", "port": 443}]}
    ]
    assert world.codes >= {Code.EXTERNAL_SERVICE}


def test_without_known_ranges_no_endpoint_is_trusted() -> None:
    slices = endpoints("shop/legacy", ["198.51.100.7"], "https:443")
    world = World(app("shop/web"), LEGACY, slices, graph("shop/shop", CALLS), profile=ClusterProfile())
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.PROFILE_INCOMPLETE}


def test_at_most_a_hundred_addresses_become_rules() -> None:
    def many(count: int) -> World:
        slices = endpoints("shop/legacy", [f"198.51.100.{i}" for i in range(1, count + 1)], "https:443")
        return World(app("shop/web"), LEGACY, slices, graph("shop/shop", CALLS))

    assert many(100).allows("shop/web", "198.51.100.100", 443)
    assert many(101).callees("shop/web") == set()
    assert many(101).codes >= {Code.EXTERNAL_SERVICE}


def test_a_service_without_addresses_is_unresolved_until_it_has_some() -> None:
    world = World(app("shop/web"), LEGACY, graph("shop/shop", CALLS))
    assert world.edges() == {"shop/web -> legacy Unresolved"}
    assert world.codes >= {Code.CALLEE_NOT_FOUND}


def test_a_headless_service_without_selector_translates_nothing() -> None:
    headless = service("shop/legacy", "https:443", {}, clusterIP="None")
    slices = endpoints("shop/legacy", ["198.51.100.7"], "https:8443")
    world = World(app("shop/web"), headless, slices, graph("shop/shop", CALLS))
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.HEADLESS_PORT_MISMATCH}


@pytest.mark.parametrize(
    "legacy",
    [service("other/legacy", "443", {}), service("other/legacy", "443", type="ExternalName", externalName="a.b")],
)
def test_addresses_and_names_of_another_namespace_are_unsupported(legacy: dict[str, object]) -> None:
    spec = "services: [{name: web, calls: [{service: legacy, namespace: other}]}]"
    slices = endpoints("other/legacy", ["198.51.100.7"], "443")
    world = World(app("shop/web"), legacy, slices, graph("shop/shop", spec))
    assert world.callees("shop/web") == set()
    assert world.edges() == {"shop/web -> other/legacy Unsupported"}
    assert world.codes >= {Code.EXTERNAL_SERVICE}


def test_an_external_name_is_unsupported() -> None:
    legacy = service("shop/legacy", "443", type="ExternalName", externalName="db.example.com")
    world = World(app("shop/web"), legacy, graph("shop/shop", CALLS))
    assert world.callees("shop/web") == set()
    assert world.edges() == {"shop/web -> legacy Unsupported"}
    (problem,) = world.problems(Code.EXTERNAL_SERVICE)
    assert "db.example.com" in problem.message


def test_a_service_with_addresses_is_never_an_ingress_peer() -> None:
    spec = "services: [{name: web, accepts: [{service: legacy}]}]"
    world = World(app("shop/web"), LEGACY, endpoints("shop/legacy", ["198.51.100.7"], "443"), graph("shop/shop", spec))
    assert world.callers("shop/web") == set()
    assert world.codes == {Code.EXTERNAL_SERVICE}


def test_a_declared_service_without_pods_of_its_own_is_told() -> None:
    spec = "services: [{name: web, calls: [{service: legacy}]}, {name: legacy}]"
    world = World(
        app("shop/web"), LEGACY, endpoints("shop/legacy", ["198.51.100.7"], "https:443"), graph("shop/s", spec)
    )
    assert world.allows("shop/web", OUTSIDE, 443)
    assert world.policies("shop") == ["web"]
    assert {p.path for p in world.problems(Code.EXTERNAL_SERVICE)} == {".spec.services[1]"}


CIDR = "services: [{{name: web, calls: [{{cidr: {cidr}, ports: [443]{more}}}]}}]"


def test_a_cidr_is_written_with_its_exceptions() -> None:
    spec = CIDR.format(cidr="198.51.100.0/24", more=", except: [198.51.100.7/32]")
    world = World(app("shop/web"), graph("shop/shop", spec))
    assert world.allows("shop/web", "198.51.100.8", 443)
    assert not world.allows("shop/web", "198.51.100.7", 443)
    assert not world.allows("shop/web", "198.51.101.8", 443)


@pytest.mark.parametrize("cidr", ["10.244.3.0/24", "10.96.0.0/12", "10.0.0.0/8", "0.0.0.0/0"])
def test_a_cidr_over_pods_or_services_is_a_problem(cidr: str) -> None:
    denied = ", except: [169.254.0.0/16]" if cidr == "0.0.0.0/0" else ""
    world = World(app("shop/web"), graph("shop/shop", CIDR.format(cidr=cidr, more=denied)))
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.CIDR_OVER_CLUSTER}
    assert {edge.rpartition(" ")[2] for edge in world.edges()} == {"Unsupported"}


def test_a_cidr_that_excepts_the_clusters_ranges_is_none() -> None:
    spec = CIDR.format(cidr="10.0.0.0/8", more=", except: [10.244.0.0/16, 10.96.0.0/16]")
    world = World(app("shop/web"), graph("shop/shop", spec))
    assert world.allows("shop/web", "10.1.0.1", 443)
    assert not world.allows("shop/web", "10.244.0.1", 443)


def test_a_cidr_of_a_named_party_is_held_to_the_same() -> None:
    spec = "services: [{name: web, calls: [{party: proxy, ports: [3128]}]}]"
    good = ClusterProfile(ranges=RANGES, parties=(ProfileParty(name="proxy", cidr="10.30.0.0/24"),))
    assert World(app("shop/web"), graph("shop/s", spec), profile=good).allows("shop/web", "10.30.0.1", 3128)
    bad = ClusterProfile(ranges=RANGES, parties=(ProfileParty(name="proxy", cidr="10.244.1.0/24"),))
    world = World(app("shop/web"), graph("shop/s", spec), profile=bad)
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.CIDR_OVER_CLUSTER}


def test_the_internet_is_everything_but_the_cluster() -> None:
    spec = "services: [{name: web, calls: [{internet: true, ports: [443]}], accepts: [{internet: true, ports: [80]}]}]"
    world = World(app("shop/web"), graph("shop/shop", spec), profile=PLAIN)
    for address in ("198.51.100.7", "2001:db8::1"):
        assert world.allows("shop/web", address, 443)
        assert world.allows(address, "shop/web", 80)
    for address in ("10.244.0.1", "10.96.0.1", "10.0.0.1", "169.254.169.254", "fe80::1", "fd00:ec2::254"):
        assert not world.allows("shop/web", address, 443)
        assert not world.allows(address, "shop/web", 80)


def test_nodes_come_from_the_profile_else_from_the_cluster() -> None:
    spec = "services: [{name: web, calls: [{nodes: true, ports: [9100]}]}]"
    addresses = [{"type": "InternalIP", "address": "192.168.0.4"}, {"type": "Hostname", "address": "n1"}]
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {"addresses": addresses},
    }
    detected = World(app("shop/web"), node, graph("shop/shop", spec), profile=ClusterProfile())
    assert detected.allows("shop/web", "192.168.0.4", 9100)
    assert not detected.allows("shop/web", "192.168.0.5", 9100)
    written = World(app("shop/web"), node, graph("shop/shop", spec))
    assert written.allows("shop/web", "10.0.0.4", 9100)
    assert not written.allows("shop/web", "192.168.0.4", 9100)
