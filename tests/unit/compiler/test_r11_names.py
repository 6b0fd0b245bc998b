"""R11: a DNS name is for an engine that sees DNS; without one it is unsupported, and never resolved to addresses."""

from collections.abc import Mapping
from typing import Any

import pytest

from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import DNS, APIServer, ClusterProfile, DNSService, Engine
from tests.unit.compiler.cluster import RANGES, World, app, graph, service

CILIUM = ClusterProfile(
    dns=DNS(
        service=DNSService("kube-system", "kube-dns", {"k8s-app": "kube-dns"}, ("53/UDP", "53/TCP")),
        search_domains=("corp.example",),
    ),
    api_server=APIServer(port=6443),
    ranges=RANGES,
    engine=Engine("Cilium"),
)
NAMED = "services: [{name: web, accepts: [{service: front}], calls: [{fqdn: api.example.com, ports: [443]}]}]"


def on_cilium(spec: str, *more: Any) -> Mapping[str, Any]:
    """The one policy of the shop."""
    world = World(app("shop/web"), app("shop/front"), *more, graph("shop/shop", spec), profile=CILIUM)
    assert not [p for p in world.problems() if p.severity is Severity.ERROR]
    (manifest,) = world.manifests.values()
    return manifest


@pytest.mark.parametrize("name", ["api.example.com", '"*.example.com"'])
def test_a_name_gives_no_rule_and_a_problem(name: str) -> None:
    spec = f"services: [{{name: web, calls: [{{fqdn: {name}, ports: [443]}}]}}]"
    world = World(app("shop/web"), graph("shop/shop", spec))
    assert world.callees("shop/web") == set()
    (problem,) = world.problems(Code.UNSUPPORTED_FQDN)
    assert problem.severity is Severity.ERROR
    assert {edge.rpartition(" ")[2] for edge in world.edges()} == {"Unsupported"}


def test_an_engine_that_is_not_there_is_told() -> None:
    world = World(app("shop/web"), graph("shop/shop", "engine: Cilium\nservices: [{name: web}]"))
    (problem,) = world.problems(Code.ENGINE_UNAVAILABLE)
    assert problem.path == ".spec.engine"
    assert world.isolated("shop/web") == ("Ingress", "Egress")


def test_a_name_makes_a_cilium_policy_of_all_that_the_service_may_do() -> None:
    manifest = on_cilium(NAMED)
    assert (manifest["apiVersion"], manifest["kind"]) == ("cilium.io/v2", "CiliumNetworkPolicy")
    assert manifest["metadata"]["name"].endswith("-cilium")
    spec = manifest["spec"]
    assert spec["endpointSelector"] == {"matchLabels": {"k8s:app": "web"}}
    assert spec["ingress"] == [
        {
            "fromEndpoints": [{"matchLabels": {"k8s:app": "front"}}],
            "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}],
        }
    ]
    outside = {
        "toFQDNs": [{"matchName": "api.example.com"}],
        "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
    }
    assert outside in spec["egress"]


def test_lookups_are_for_the_names_of_the_service_and_the_cluster() -> None:
    (lookup,) = [rule for rule in on_cilium(NAMED)["spec"]["egress"] if "toEndpoints" in rule]
    assert lookup["toEndpoints"] == [
        {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}
    ]
    (ports,) = lookup["toPorts"]
    assert {(p["port"], p["protocol"]) for p in ports["ports"]} == {("53", "UDP"), ("53", "TCP")}
    asked = [name for written in ports["rules"]["dns"] for name in written.values()]
    assert asked[:2] == ["api.example.com", "api.example.com.corp.example"]
    assert "*.*.*.cluster.local" in asked
    assert all(name.endswith((".cluster.local", ".corp.example")) for name in asked[1:])


def test_without_names_dns_stays_as_it_is() -> None:
    manifest = on_cilium("services: [{name: web, calls: [{cidr: 198.51.100.0/24, ports: [443]}]}]")
    assert manifest["kind"] == "NetworkPolicy"


def test_a_pattern_stays_a_pattern() -> None:
    manifest = on_cilium('services: [{name: web, calls: [{fqdn: "*.example.com", ports: [443, 8000-8100]}]}]')
    (rule,) = [rule for rule in manifest["spec"]["egress"] if "toFQDNs" in rule]
    assert rule["toFQDNs"] == [{"matchPattern": "*.example.com"}]
    assert {"port": "8000", "endPort": 8100, "protocol": "TCP"} in rule["toPorts"][0]["ports"]


def test_an_external_name_is_the_name_that_pods_ask_for() -> None:
    legacy = service("shop/legacy", "443", {}, type="ExternalName", externalName="old.example.com")
    manifest = on_cilium("services: [{name: web, calls: [{service: legacy}]}]", legacy)
    (rule,) = [rule for rule in manifest["spec"]["egress"] if "toFQDNs" in rule]
    assert rule["toFQDNs"] == [{"matchName": "legacy.shop.svc.cluster.local"}]


@pytest.mark.parametrize(("ports", "number"), [("8443", "8443"), ("https", "443")])
def test_an_external_name_translates_no_ports(ports: str, number: str) -> None:
    """DNS answers with another name, and that is all: the port that is called is the port of the host."""
    legacy = service("shop/legacy", "https:443>9443", {}, type="ExternalName", externalName="old.example.com")
    manifest = on_cilium(f"services: [{{name: web, calls: [{{service: legacy, ports: [{ports}]}}]}}]", legacy)
    (rule,) = [rule for rule in manifest["spec"]["egress"] if "toFQDNs" in rule]
    assert [port["port"] for port in rule["toPorts"][0]["ports"]] == [number]


def test_a_namespace_that_is_excluded_leaves_hosts_and_addresses_out_too() -> None:
    excluded = "{key: kubernetes.io/metadata.name, operator: NotIn, values: [bad]}"
    party = f"pods: {{namespaceSelector: {{matchExpressions: [{excluded}]}}, podSelector: {{}}}}"
    manifest = on_cilium(f"engine: Cilium\nservices: [{{name: web, accepts: [{{{party}, ports: [80]}}]}}]")
    ((peer,),) = [rule["fromEndpoints"] for rule in manifest["spec"]["ingress"]]
    key = "k8s:io.kubernetes.pod.namespace"
    assert {"key": key, "operator": "Exists"} in peer["matchExpressions"]
    assert {"key": key, "operator": "NotIn", "values": ["bad"]} in peer["matchExpressions"]


def test_who_calls_names_has_to_ask_dns() -> None:
    spec = "services: [{name: web, dns: Never, calls: [{fqdn: api.example.com, ports: [443]}]}]"
    world = World(app("shop/web"), graph("shop/shop", spec), profile=CILIUM)
    (problem,) = world.problems(Code.NAME_WITHOUT_DNS)
    assert (problem.severity, problem.path) == (Severity.WARNING, ".spec.services[0].calls[0]")


def test_the_api_server_and_nodes_are_entities() -> None:
    manifest = on_cilium(
        "services: [{name: web, dns: Never, accepts: [{kubeAPIServer: true, ports: [8443]}], "
        "calls: [{kubeAPIServer: true}, {nodes: true, ports: [10250]}]}]"
    )
    egress = {tuple(rule["toEntities"]): rule["toPorts"][0]["ports"] for rule in manifest["spec"]["egress"]}
    assert egress == {
        ("kube-apiserver",): [{"port": "6443", "protocol": "TCP"}],
        ("host", "remote-node"): [{"port": "10250", "protocol": "TCP"}],
    }
    (ingress,) = manifest["spec"]["ingress"]
    assert ingress["fromEntities"] == ["kube-apiserver"]


def test_a_graph_that_wants_networkpolicies_gets_no_others() -> None:
    spec = f"engine: NetworkPolicy\n{NAMED}"
    world = World(app("shop/web"), graph("shop/shop", spec), profile=CILIUM)
    assert world.problems(Code.UNSUPPORTED_FQDN)
    assert {manifest["kind"] for manifest in world.manifests.values()} == {"NetworkPolicy"}


def test_a_graph_that_wants_cilium_gets_nothing_else() -> None:
    manifest = on_cilium("engine: Cilium\nservices: [{name: web, accepts: [{anywhere: true, ports: [80]}]}]")
    assert manifest["kind"] == "CiliumNetworkPolicy"
    assert manifest["spec"]["ingress"] == [{"toPorts": [{"ports": [{"port": "80", "protocol": "TCP"}]}]}]
    assert manifest["spec"]["egress"] == [{}]


@pytest.mark.parametrize(
    ("selector", "written"),
    [
        ("{matchLabels: {kubernetes.io/metadata.name: a}}", {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "a"}}),
        ("{}", {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}),
        (
            "{matchExpressions: [{key: team, operator: NotIn, values: [x]}]}",
            {
                "matchExpressions": [
                    {"key": "k8s:io.cilium.k8s.namespace.labels.team", "operator": "NotIn", "values": ["x"]},
                    {"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"},
                ]
            },
        ),
    ],
)
def test_namespaces_are_labels_of_endpoints(selector: str, written: dict[str, Any]) -> None:
    party = f"{{pods: {{namespaceSelector: {selector}, podSelector: {{}}}}, ports: [80]}}"
    manifest = on_cilium(f"engine: Cilium\nservices: [{{name: web, accepts: [{party}]}}]")
    assert manifest["spec"]["ingress"][0]["fromEndpoints"] == [written]
