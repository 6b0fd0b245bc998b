"""R17: kubeAPIServer is the profile's addresses and port, else the endpoints of default/kubernetes; as a source, the
profile's only."""

from servicegraph.model.problems import Code
from servicegraph.model.profile import APIServer, ClusterProfile
from tests.unit.compiler.cluster import PLAIN, World, app, endpoints, graph

CALLS = "services: [{name: web, calls: [{kubeAPIServer: true}]}]"
ACCEPTS = "services: [{name: web, accepts: [{kubeAPIServer: true, ports: [8443]}]}]"
DETECTED = endpoints("default/kubernetes", ["172.16.0.2", "172.16.0.3"], "https:6443")
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
