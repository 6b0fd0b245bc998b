"""NodeLocalDNS: a cache of DNS on every node that nothing allows asking."""

import msgspec

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code
from servicegraph.model.profile import DNS, ClusterProfile
from tests.unit.answers.lint.found import find, message, places
from tests.unit.compiler.cluster import WITH_DNS, Raw, app, graph, service, workload

ON_HOST = workload("kube-system/node-local-dns", kind="DaemonSet", hostNetwork=True)
IN_PODS = workload("kube-system/node-local-dns", "53/UDP", kind="DaemonSet", labels={"k8s-app": "node-local-dns"})
TOWN = [
    *app("shop/search"),
    *app("shop/database", "5432"),
    service("kube-system/kube-dns", "53/UDP dns-tcp:53"),
    workload("kube-system/kube-dns"),
]
CALLS = "{services: [{name: search, calls: [{service: database}]}, {name: database}]}"
WITH_ADDRESS = msgspec.structs.replace(WITH_DNS, dns=DNS(WITH_DNS.dns.service, ("169.254.20.10",)))


def cached(cache: Raw, spec: str = CALLS, profile: ClusterProfile = WITH_DNS) -> list[str]:
    made: Graph = graph("shop/shop", spec)
    return places(Code.NODE_LOCAL_DNS, TOWN, cache, made, profile=profile)


def test_a_cache_in_the_host_s_network_needs_its_address() -> None:
    assert cached(ON_HOST) == [".spec.dns"]
    assert cached(ON_HOST, profile=WITH_ADDRESS) == []
    assert "169.254.20.10" in message(find(TOWN, ON_HOST, graph("shop/shop", CALLS), profile=WITH_DNS))


def test_nothing_where_there_is_no_cache_or_nobody_asks() -> None:
    assert cached(workload("kube-system/something-else", kind="DaemonSet", hostNetwork=True)) == []
    assert cached(workload("kube-system/node-local-dns")) == []
    assert cached(ON_HOST, CALLS.replace("{services", "{dns: Never, services")) == []


def test_a_cache_in_pods_of_its_own_has_to_be_called() -> None:
    assert cached(IN_PODS, profile=WITH_ADDRESS) == [".spec.dns"]
    dns = "{pods: {namespace: kube-system, labels: {k8s-app: node-local-dns}}, ports: [PORTS]}"
    allowed = CALLS.replace("{service: database}", f"{{service: database}}, {dns}")
    assert cached(IN_PODS, allowed.replace("PORTS", "53/UDP, 53/TCP")) == []
    assert cached(IN_PODS, allowed.replace("PORTS", "9253")) == [".spec.dns"]
