"""A CiliumNetworkPolicy is read as Cilium means it, or not at all: what is not modelled is named."""

from typing import Any

import pytest

from servicegraph.model.policy import AddressPeer, Direction, EntityPeer, LookupPeer, NamePeer, PodPeer
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Requirement, Selector
from servicegraph.verify.policies import CILIUM_KIND, PolicyPort, PolicyRule
from servicegraph.verify.reading import read
from servicegraph.verify.written import PolicyError

WEB = {"matchLabels": {"k8s:app": "web"}}
ALL_OF_SHOP = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop"}}
DNS = {"ports": [{"port": "53", "protocol": "UDP"}], "rules": {"dns": [{"matchName": "Api.Example.com."}]}}


def manifest(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "shop"}
    return {"apiVersion": "cilium.io/v2", "kind": CILIUM_KIND, "metadata": metadata, "spec": spec}


def egress(*rules: Any) -> tuple[PolicyRule, ...]:
    return read(manifest(endpointSelector=WEB, egress=list(rules))).egress


def test_what_it_selects_and_isolates() -> None:
    found = read(manifest(endpointSelector={"matchLabels": {"any:app": "web"}}, egress=[{}]))
    assert found.subject == Selector.from_labels({"app": "web"})
    assert (found.directions, found.egress, found.key.kind) == ((Direction.EGRESS,), (), CILIUM_KIND)


@pytest.mark.parametrize("rules", [None, []])
def test_a_direction_without_rules_is_not_isolated(rules: Any) -> None:
    assert read(manifest(endpointSelector={}, ingress=rules, egress=[{}])).directions == (Direction.EGRESS,)


def test_pods_of_its_own_namespace_of_another_and_of_every() -> None:
    web = Selector.from_labels({"app": "web"})
    everywhere = {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "Exists"}]}
    teams = {**everywhere, "matchLabels": {"k8s:io.cilium.k8s.namespace.labels.team": "x", "app": "web"}}
    (rule,) = egress({"toEndpoints": [{}, WEB, ALL_OF_SHOP, everywhere, teams]})
    assert rule.peers == (
        PodPeer(Selector()),
        PodPeer(web),
        PodPeer(Selector(), Selector.from_labels({NAMESPACE_LABEL: "shop"})),
        PodPeer(Selector(), Selector()),
        PodPeer(web, Selector.from_labels({"team": "x"})),
    )


def test_expressions_keep_their_operators() -> None:
    written = {"matchExpressions": [{"key": "k8s:tier", "operator": "NotIn", "values": ["b", "a"]}]}
    (rule,) = egress({"toEndpoints": [written]})
    assert rule.peers == (PodPeer(Selector((Requirement("tier", Operator.NOT_IN, ("a", "b")),))),)


def test_peers_of_every_form() -> None:
    rules = egress(
        {"toCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}]},
        {"toFQDNs": [{"matchName": "a.example"}, {"matchPattern": "*.b.example"}]},
        {"toEntities": ["host", "remote-node"]},
        {"toEntities": ["all"]},
        {"toEndpoints": [WEB], "toPorts": [DNS]},
    )
    assert [rule.peers for rule in rules] == [
        (AddressPeer("10.0.0.0/8", ("10.1.0.0/16",)),),
        (NamePeer("a.example"), NamePeer("*.b.example")),
        (EntityPeer("host"), EntityPeer("remote-node")),
        None,
        (LookupPeer(PodPeer(Selector.from_labels({"app": "web"})), ("api.example.com",)),),
    ]


def test_ports_one_range_and_every_protocol() -> None:
    several = [{"port": "80", "endPort": 90, "protocol": "TCP"}, {"port": "53", "protocol": "ANY"}]
    (rule,) = egress({"toPorts": [{"ports": several}, {"ports": [{"port": "9", "protocol": "SCTP"}]}]})
    assert (rule.peers, rule.ports) == (
        None,
        (
            PolicyPort("TCP", None, 80, 90),
            *(PolicyPort(protocol, None, 53, 53) for protocol in ("TCP", "UDP", "SCTP")),
            PolicyPort("SCTP", None, 9, 9),
        ),
    )


def test_places_are_those_of_the_manifest() -> None:
    found = read(manifest(endpointSelector={}, ingress=[{"fromEntities": ["host"]}], egress=[{"toPorts": [DNS_PORT]}]))
    assert found.place(Direction.INGRESS, 0, 0) == "ingress[0].fromEntities[0]"
    assert found.place(Direction.EGRESS, 0, 0) == "egress[0]"


DNS_PORT = {"ports": [{"port": "53"}]}
EXCLUDED = {"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["bad"]}
"""Hosts and addresses outside have no such label, so this matches them too."""


@pytest.mark.parametrize(
    "spec",
    [
        {"endpointSelector": {}, "ingressDeny": [{}]},
        {"endpointSelector": {}, "egressDeny": [{"toEntities": ["all"]}]},
        {"endpointSelector": {}, "enableDefaultDeny": {"egress": False}},
        {"nodeSelector": {}},
        {"endpointSelector": {"matchLabels": {"reserved:host": ""}}},
        {"endpointSelector": ALL_OF_SHOP},
        {"endpointSelector": {"matchLabels": {"k8s:app": "a", "any:app": "b"}}},
    ],
    ids=str,
)
def test_what_changes_the_whole_is_not_modelled(spec: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        read(manifest(**spec))


@pytest.mark.parametrize(
    "rule",
    [
        {"toServices": [{"k8sService": {"serviceName": "db"}}]},
        {"toGroups": [{}]},
        {"toRequires": [{}]},
        {"icmps": [{}]},
        {"authentication": {"mode": "required"}},
        {"toEntities": ["cluster"]},
        {"toEntities": ["all", "host"]},
        {"toEntities": []},
        {"toEndpoints": []},
        {"toEndpoints": [WEB], "toEntities": ["host"]},
        {"toEndpoints": [{"matchLabels": {"k8s:io.cilium.k8s.namespace.labels.team": "x"}}]},
        {"toEndpoints": [{"matchLabels": {"k8s:io.cilium.k8s.policy.cluster": "x"}}]},
        {"toEndpoints": [{"matchExpressions": [EXCLUDED]}]},
        {"toFQDNs": [{"matchPattern": "**.example.com"}]},
        {"toPorts": []},
        {"toPorts": [{"ports": []}]},
        {"toPorts": [{"ports": [{"port": "http"}]}]},
        {"toPorts": [{"ports": [{"port": "0"}]}]},
        {"toPorts": [{"ports": [{"port": "90", "endPort": 80}]}]},
        {"toPorts": [{**DNS_PORT, "rules": {"http": [{}]}}]},
        {"toPorts": [{**DNS_PORT, "listener": {}}]},
        {"toPorts": [DNS]},
        {"toEndpoints": [WEB], "toPorts": [DNS, DNS_PORT]},
        {"toEndpoints": [WEB], "toPorts": [{**DNS_PORT, "rules": {"dns": []}}]},
        {"toFQDNs": [{"matchName": "a", "matchPattern": "*"}]},
        {"toFQDNs": [{}]},
        {"toCIDRSet": [{"cidr": "10.0.0.0/8", "cidrGroupRef": "x"}]},
        {"toCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}]},
    ],
    ids=str,
)
def test_a_rule_that_is_not_modelled_is_named(rule: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as refused:
        egress(rule)
    assert refused.value.path.startswith(".spec.egress[0]")


def test_an_empty_rule_beside_others_is_not_modelled() -> None:
    with pytest.raises(PolicyError):
        egress({}, {"toEntities": ["host"]})


def test_specs_are_not_modelled() -> None:
    with pytest.raises(PolicyError):
        read({**manifest(endpointSelector={}), "specs": [{}]})
