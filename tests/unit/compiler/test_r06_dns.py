"""R6: DNS is a Service of the profile, resolved to pod ports, plus the profile's addresses; for those who call."""

import pytest

from servicegraph.model.problems import Code
from servicegraph.model.profile import DNS, STANDARD, ClusterProfile, DNSService
from tests.support.verdict import Pod
from tests.unit.compiler.cluster import WITH_DNS, Raw, World, app, graph, service, workload

SPEC = "services: [{{name: web, calls: [{{service: api}}]{dns}}}, {{name: api}}]"
COREDNS: list[Raw] = [
    service("kube-system/kube-dns", "dns:53/UDP dns-tcp:53", {"k8s-app": "kube-dns"}),
    workload("kube-system/coredns", "dns:53/UDP dns-tcp:53", {"k8s-app": "kube-dns"}),
]
OPENSHIFT: list[Raw] = [
    service("kube-system/kube-dns", "dns:53/UDP>dns dns-tcp:53>dns-tcp", {"k8s-app": "kube-dns"}),
    workload("kube-system/coredns", "dns:5353/UDP dns-tcp:5353", {"k8s-app": "kube-dns"}),
]


def world(cluster: list[Raw], dns: str = "", profile: ClusterProfile = WITH_DNS) -> World:
    return World(app("shop/web"), app("shop/api"), cluster, graph("shop/shop", SPEC.format(dns=dns)), profile=profile)


def test_a_service_that_calls_may_ask_over_udp_and_tcp() -> None:
    made = world(COREDNS)
    assert made.callees("shop/web") == {"shop/api 8080", "kube-system/coredns 53", "kube-system/coredns 53/UDP"}
    assert not made.allows("shop/web", Pod("shop", {"k8s-app": "kube-dns"}), "53/UDP")


def test_a_service_that_calls_nothing_may_not_ask() -> None:
    assert world(COREDNS).callees("shop/api") == set()


@pytest.mark.parametrize(("dns", "asks"), [("Always", True), ("Never", False), ("WhenCalling", True)])
def test_the_graph_may_say_otherwise(dns: str, asks: bool) -> None:
    assert world(COREDNS, f", dns: {dns}").allows("shop/web", "kube-system/coredns", "53/UDP") is asks


def test_always_holds_for_a_service_that_calls_nothing() -> None:
    spec = "dns: Always\nservices: [{name: api}]"
    made = World(app("shop/api"), COREDNS, graph("shop/shop", spec), profile=WITH_DNS)
    assert made.allows("shop/api", "kube-system/coredns", "53/UDP")


def test_the_port_is_that_of_the_pods() -> None:
    made = world(OPENSHIFT)
    assert made.callees("shop/web") == {"shop/api 8080", "kube-system/coredns 5353", "kube-system/coredns 5353/UDP"}


def test_addresses_of_the_profile_are_allowed_too() -> None:
    node_local = ClusterProfile(dns=DNS(service=WITH_DNS.dns.service, addresses=("169.254.20.10", "fd00::a")))
    made = world(COREDNS, profile=node_local)
    for protocol in ("UDP", "TCP"):
        assert made.allows("shop/web", "169.254.20.10", f"53/{protocol}")
        assert made.allows("shop/web", "fd00::a", f"53/{protocol}")
    assert not made.allows("shop/web", "169.254.20.11", "53/UDP")
    assert made.allows("shop/web", "kube-system/coredns", "53/UDP")


def test_what_the_profile_describes_stands_in_for_a_service_that_is_not_in_the_input() -> None:
    made = world([], profile=STANDARD)
    dns = Pod("kube-system", {"k8s-app": "kube-dns"})
    assert made.allows("shop/web", dns, "53/UDP")
    assert not made.allows("shop/web", dns, 5353)
    assert made.codes == {Code.DNS_ASSUMED}
    described = DNSService(namespace="dns", name="dns", labels={"app": "dns"}, ports=("5353/UDP",))
    own = world([], profile=ClusterProfile(dns=DNS(service=described)))
    assert own.allows("shop/web", Pod("dns", {"app": "dns"}), "5353/UDP")
    assert own.codes == set()


def test_what_the_input_says_wins_over_what_the_profile_describes() -> None:
    made = world(OPENSHIFT, profile=STANDARD)
    assert made.allows("shop/web", "kube-system/coredns", "5353/UDP")
    assert not made.allows("shop/web", "kube-system/coredns", "53/UDP")


@pytest.mark.parametrize(
    ("profile", "cluster"),
    [
        (ClusterProfile(), []),
        (WITH_DNS, []),
        (WITH_DNS, [service("kube-system/kube-dns", "dns:53/UDP>dns")]),
        (WITH_DNS, [COREDNS[0], workload("kube-system/coredns", "", {"k8s-app": "kube-dns"}, hostNetwork=True)]),
    ],
)
def test_without_a_resolver_nobody_may_ask_and_the_graph_is_told(profile: ClusterProfile, cluster: list[Raw]) -> None:
    made = world(cluster, profile=profile)
    assert made.callees("shop/web") == {"shop/api 8080"}
    (problem,) = made.problems(Code.DNS_UNKNOWN)
    assert problem.path == ".spec.dns"


def test_only_graphs_that_ask_are_told() -> None:
    made = World(app("shop/api"), graph("shop/shop", "services: [{name: api}]"), profile=ClusterProfile())
    assert made.codes == set()


def test_egress_that_is_not_adopted_has_no_dns_rule() -> None:
    made = world(COREDNS, ", directions: [Ingress]")
    assert made.isolated("shop/web") == ("Ingress",)
