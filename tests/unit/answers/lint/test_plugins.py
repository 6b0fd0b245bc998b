"""What depends on the network plugin: told for the one that is known, and as good to know where none is."""

import msgspec
import pytest

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import APIServer, ClusterProfile, Engine, Plugin
from tests.unit.answers.lint.found import find, message, on, places
from tests.unit.compiler.cluster import PLAIN, Raw, app, graph, service, workload

TOWN = [*app("shop/search"), *app("shop/database", "5432")]
WITH_API_SERVER = msgspec.structs.replace(PLAIN, api_server=APIServer(addresses=("10.0.0.2",), port=6443))
CALL = ".spec.services[0].calls[0]"


def calling(party: str) -> Graph:
    return graph("shop/shop", f"{{services: [{{name: search, calls: [{{{party}}}]}}, {{name: database}}]}}")


NODES = (Code.NODES_NOT_MATCHED, TOWN, calling("nodes: true, ports: [9100]"), ("Cilium", "GKEDataplaneV2"))
SCTP = (Code.SCTP_NOT_ENABLED, TOWN, calling("cidr: 64.0.0.0/8, ports: [3868/SCTP]"), ("Cilium", "GKEDataplaneV2"))
VERSIONS = [
    service("shop/reviews", "80>8080", selector={"app": "reviews"}),
    workload("shop/reviews-v1", labels={"app": "reviews", "version": "v1"}),
    workload("shop/search"),
]
OWN_WORKLOAD = graph("shop/shop", "{services: [{name: search, calls: [{service: reviews-v1, ports: [8080]}]}]}")
SELECTOR = (Code.SERVICE_SELECTOR_DIFFERS, VERSIONS, OWN_WORKLOAD, ("AmazonVPC",))
NUMBERS = ", ".join(str(1000 + 2 * n) for n in range(25))
PORTS = (Code.TOO_MANY_PORTS, TOWN, calling(f"cidr: 64.0.0.0/8, ports: [{NUMBERS}]"), ("AmazonVPC",))
ONE_POD = "{labels: {app: database, statefulset.kubernetes.io/pod-name: database-0}}"
ALONE = graph("shop/shop", f"{{services: [{{name: search, calls: [{{pods: {ONE_POD}, ports: [1]}}]}}]}}")
LABEL = (Code.LABEL_NOT_ENFORCEABLE, TOWN, ALONE, ("Cilium", "GKEDataplaneV2"))
CASES = [NODES, SCTP, SELECTOR, PORTS, LABEL]


@pytest.mark.parametrize(("code", "town", "made", "plugins"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_told_on_the_plugins_that_it_holds_for(
    code: Code, town: list[Raw], made: Graph, plugins: tuple[Plugin, ...]
) -> None:
    told: dict[Plugin | None, set[Severity]] = {}
    for plugin in (None, "AmazonVPC", "Antrea", "Calico", "Cilium", "GKEDataplaneV2", "Kindnet", "OVNKubernetes"):
        profile = msgspec.structs.replace(PLAIN, engine=Engine(plugin=plugin))
        told[plugin] = {problem.severity for problem in find(town, made, profile=profile) if problem.code is code}
    assert {plugin for plugin, severities in told.items() if severities == {Severity.WARNING}} == set(plugins)
    assert {plugin for plugin, severities in told.items() if severities == {Severity.INFO}} == {None}


def test_an_unknown_plugin_is_named() -> None:
    told = message(find(NODES[1], NODES[2], profile=PLAIN))
    assert "Cilium and GKE Dataplane V2" in told


@pytest.mark.parametrize(
    ("name", "plugin"), [("cilium", "Cilium"), ("anetd", "GKEDataplaneV2"), ("calico-node", "Calico")]
)
def test_the_plugin_s_daemonset_tells_which_it_is(name: str, plugin: str) -> None:
    agent = workload(f"kube-system/{name}", kind="DaemonSet", hostNetwork=True)
    found = [p.severity for p in find(NODES[1], agent, NODES[2], profile=PLAIN)]
    assert found == ([Severity.WARNING] if plugin != "Calico" else [])


def test_the_profile_goes_before_daemonsets() -> None:
    agent = workload("kube-system/calico-node", kind="DaemonSet", hostNetwork=True)
    assert places(Code.NODES_NOT_MATCHED, NODES[1], agent, NODES[2], profile=on("Cilium")) == [CALL]


@pytest.mark.parametrize(
    ("party", "found"), [("cidr: 10.0.0.0/16, ports: [443]", [CALL]), ("nodes: true, ports: [9100]", [])]
)
def test_the_engine_cilium_knows_nodes_by_what_they_are(party: str, found: list[str]) -> None:
    by_name = msgspec.structs.replace(PLAIN, engine=Engine(name="Cilium"))
    assert places(Code.NODES_NOT_MATCHED, TOWN, calling(party), profile=by_name) == found


@pytest.mark.parametrize(
    ("party", "found"),
    [
        ("nodes: true, ports: [9100]", [CALL]),
        ("kubeAPIServer: true", [CALL]),
        ("cidr: 10.0.0.0/16, ports: [443]", [CALL]),
        ("cidr: 10.0.0.0/16, except: [10.0.0.0/24], ports: [443]", []),
        ("cidr: 64.0.0.0/8, ports: [443]", []),
        ("internet: true, ports: [443]", []),
        ("service: database", []),
    ],
)
def test_addresses_of_nodes_on_cilium(party: str, found: list[str]) -> None:
    assert places(Code.NODES_NOT_MATCHED, TOWN, calling(party), profile=on("Cilium", WITH_API_SERVER)) == found


def test_nothing_where_nobody_knows_the_nodes() -> None:
    party = "cidr: 10.0.0.0/16, ports: [443]"
    assert places(Code.NODES_NOT_MATCHED, TOWN, calling(party), profile=on("Cilium", ClusterProfile())) == []


@pytest.mark.parametrize(("ports", "found"), [("3868/SCTP", [CALL]), ("3868", []), ("3868/UDP", [])])
def test_sctp_on_cilium(ports: str, found: list[str]) -> None:
    made = calling(f"cidr: 64.0.0.0/8, ports: [{ports}]")
    assert places(Code.SCTP_NOT_ENABLED, TOWN, made, profile=on("Cilium")) == found


@pytest.mark.parametrize(
    ("parts", "calls", "found"),
    [
        (VERSIONS, "{service: reviews-v1, ports: [8080]}", [CALL]),
        (VERSIONS, "{service: reviews}", []),
        (VERSIONS, "{service: reviews-v1, ports: [8080]}, {service: reviews}", []),
        (VERSIONS, "{pods: {labels: {version: v1}}, ports: [8080]}", [CALL]),
        (VERSIONS, "{pods: {labels: {app: reviews}}, ports: [8080]}", []),
        (VERSIONS[1:], "{service: reviews-v1, ports: [8080]}", []),
        (
            [service("shop/reviews", "8080", selector={"app": "reviews"}, clusterIP="None"), *VERSIONS[1:]],
            "{service: reviews-v1, ports: [8080]}",
            [],
        ),
    ],
    ids=["by workload", "by Service", "both", "by a narrow label", "by the Service's", "no Service", "headless"],
)
def test_services_that_the_amazon_vpc_cni_recognises(parts: list[Raw], calls: str, found: list[str]) -> None:
    made = graph("shop/shop", f"{{services: [{{name: search, calls: [{calls}]}}]}}")
    told = [p.path for p in find(parts, made, profile=on("AmazonVPC")) if p.code is Code.SERVICE_SELECTOR_DIFFERS]
    assert told == found


def test_of_two_services_before_the_pods_one_that_is_recognised_is_enough() -> None:
    own = service("shop/reviews-first", "80>8080", selector={"app": "reviews", "version": "v1"})
    assert places(Code.SERVICE_SELECTOR_DIFFERS, VERSIONS, own, OWN_WORKLOAD, profile=on("AmazonVPC")) == []


@pytest.mark.parametrize(
    ("ports", "containers", "found"),
    [
        ("80>8080", "", [CALL]),
        ("http:80>http", "http:8080", [CALL]),
        ("8080", "", []),
        ("http:8080>http", "http:8080", []),
    ],
)
def test_the_port_of_a_service_on_the_amazon_vpc_cni(ports: str, containers: str, found: list[str]) -> None:
    town = [workload("shop/search"), service("shop/database", ports), workload("shop/database", containers)]
    told = find(town, calling("service: database"), profile=on("AmazonVPC"))
    assert [(p.code, p.severity, p.path) for p in told] == [
        (Code.SERVICE_PORT_DIFFERS, Severity.INFO, path) for path in found
    ]
    assert find(town, calling("service: database"), profile=PLAIN) == ()


@pytest.mark.parametrize(("ports", "found"), [(NUMBERS, [".spec.services[0]"]), (NUMBERS[6:], []), ("1000-1048", [])])
def test_the_amazon_vpc_cni_takes_24_ports(ports: str, found: list[str]) -> None:
    made = calling(f"cidr: 64.0.0.0/8, ports: [{ports}]")
    assert places(Code.TOO_MANY_PORTS, TOWN, made, profile=on("AmazonVPC")) == found


@pytest.mark.parametrize(
    ("key", "found"),
    [("statefulset.kubernetes.io/pod-name", [".spec.services[0]"]), ("pod-name", [])],
)
def test_the_pods_of_a_service_by_labels_that_cilium_does_not_see(key: str, found: list[str]) -> None:
    made = graph("shop/shop", f"{{services: [{{name: one, selects: [{{labels: {{{key}: database-0}}}}]}}]}}")
    town = [workload("shop/database", labels={key: "database-0"}, kind="StatefulSet")]
    assert places(Code.LABEL_NOT_ENFORCEABLE, town, made, profile=on("Cilium")) == found


def test_the_profile_s_own_list_of_labels_is_the_compiler_s_to_tell() -> None:
    profile = msgspec.structs.replace(PLAIN, engine=Engine(plugin="Cilium", ignores_labels=("anything",)))
    assert places(Code.LABEL_NOT_ENFORCEABLE, TOWN, LABEL[2], profile=profile) == []


def test_flannel_enforces_nothing() -> None:
    assert places(Code.NOT_ENFORCED, TOWN, calling("service: database"), profile=on("Flannel")) == [".spec"]
    assert places(Code.NOT_ENFORCED, TOWN, calling("service: database"), profile=on("Calico")) == []
