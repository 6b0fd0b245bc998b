"""R17: kubeAPIServer is the profile's addresses and port, else the endpoints of default/kubernetes; as a source, the
profile's only."""

import pytest

from servicegraph.model.problems import Code
from servicegraph.model.profile import APIServer, ClusterProfile, Ranges
from tests.unit.compiler.cluster import PLAIN, World, app, endpoints, graph

CALLS = "services: [{name: web, calls: [{kubeAPIServer: true}]}]"
ACCEPTS = "services: [{name: web, accepts: [{kubeAPIServer: true, ports: [8443]}]}]"
DETECTED = endpoints("default/kubernetes", ["172.16.0.2", "172.16.0.3"], "https:6443", slice_name="kubernetes")
WRITTEN = ClusterProfile(api_server=APIServer(addresses=("10.1.0.1",), port=443, webhook_sources=("10.2.0.0/28",)))


def test_the_profile_says_where_it_is() -> None:
    world = World(app("shop/web"), DETECTED, graph("shop/shop", CALLS), profile=WRITTEN)
    assert world.allows("shop/web", "10.1.0.1", 443)
    assert not world.allows("shop/web", "10.1.0.1", 6443)
    assert not world.allows("shop/web", "172.16.0.2", 443)
    assert world.edges() == {"shop/web -> kubeAPIServer Active"}


def test_else_the_endpoints_of_the_kubernetes_service_do() -> None:
    world = World(app("shop/web"), DETECTED, graph("shop/shop", CALLS))
    assert world.allows("shop/web", "172.16.0.2", 6443)
    assert world.allows("shop/web", "172.16.0.3", 6443)
    assert not world.allows("shop/web", "172.16.0.4", 6443)


def test_what_the_profile_leaves_open_is_detected() -> None:
    port_only = ClusterProfile(api_server=APIServer(port=7443))
    world = World(app("shop/web"), DETECTED, graph("shop/shop", CALLS), profile=port_only)
    assert world.allows("shop/web", "172.16.0.2", 7443)
    assert not world.allows("shop/web", "172.16.0.2", 6443)


def test_endpoints_of_that_name_elsewhere_are_not_the_api_server() -> None:
    planted = endpoints("shop/kubernetes", ["198.51.100.66"], "https:6443")
    world = World(app("shop/web"), planted, graph("shop/shop", CALLS))
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.PROFILE_INCOMPLETE}


def test_a_slice_that_another_added_to_the_kubernetes_service_is_not_the_api_server() -> None:
    planted = endpoints("default/kubernetes", ["198.51.100.66"], "ssh:22", slice_name="planted")
    world = World(app("shop/web"), DETECTED, planted, graph("shop/shop", CALLS))
    assert world.allows("shop/web", "172.16.0.2", 6443)
    assert not world.allows("shop/web", "198.51.100.66", 22)
    assert not world.allows("shop/web", "172.16.0.2", 22)


@pytest.mark.parametrize("address", ["10.244.3.7", "10.96.0.1", "169.254.169.254"])
def test_it_is_not_believed_to_be_where_others_are(address: str) -> None:
    told = endpoints("default/kubernetes", [address, "172.16.0.2"], "https:6443", slice_name="kubernetes")
    profile = ClusterProfile(ranges=Ranges(pods=("10.244.0.0/16",), services=("10.96.0.0/16",)))
    world = World(app("shop/web"), told, graph("shop/shop", CALLS), profile=profile)
    assert world.allows("shop/web", "172.16.0.2", 6443)
    assert not world.allows("shop/web", address, 6443)
    (problem,) = world.problems(Code.PROFILE_INCOMPLETE)
    assert address in problem.message


def test_names_are_not_where_it_is() -> None:
    world = World(app("shop/web"), {**DETECTED, "addressType": "FQDN"}, graph("shop/shop", CALLS))
    assert world.callees("shop/web") == set()
    assert world.codes >= {Code.PROFILE_INCOMPLETE}


def test_as_a_source_it_has_no_default() -> None:
    world = World(app("shop/web"), DETECTED, graph("shop/shop", ACCEPTS), profile=PLAIN)
    assert world.callers("shop/web") == set()
    assert world.codes == {Code.PROFILE_INCOMPLETE}
    written = World(app("shop/web"), graph("shop/shop", ACCEPTS), profile=WRITTEN)
    assert written.allows("10.2.0.7", "shop/web", 8443)
    assert not written.allows("10.1.0.1", "shop/web", 8443)


def test_ports_that_are_written_win() -> None:
    spec = "services: [{name: web, calls: [{kubeAPIServer: true, ports: [9443]}]}]"
    world = World(app("shop/web"), graph("shop/shop", spec), profile=WRITTEN)
    assert world.allows("shop/web", "10.1.0.1", 9443)
    assert not world.allows("shop/web", "10.1.0.1", 443)
