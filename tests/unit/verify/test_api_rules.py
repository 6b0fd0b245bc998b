"""Every rule of the API reference of networking.k8s.io/v1 NetworkPolicy, each under the sentence that says it.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/ and
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from typing import Any

from servicegraph.model.ports import Protocol
from servicegraph.verify.ends import Address, End, NamedPort, Pod
from servicegraph.verify.reading import read
from servicegraph.verify.verdicts import Policies, Verdict

NAMESPACES = {"shop": {"team": "blue"}, "bank": {"team": "red"}}
WEB = Pod("shop", {"app": "web"}, (NamedPort("http", "TCP", 8080),), name="web-0")
DB = Pod("shop", {"app": "db", "tier": "data"}, (NamedPort("http", "TCP", 9090),), name="db-0")
OTHER = Pod("shop", {"app": "other"}, name="other-0")
BANK = Pod("bank", {"app": "web"}, name="bank-0")
OUTSIDE = Address("198.51.100.7")


def policy(spec: dict[str, Any] | None, name: str = "p", namespace: str = "shop") -> dict[str, Any]:
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**made, "metadata": {"name": name, "namespace": namespace}} | ({} if spec is None else {"spec": spec})


def verdict(
    specs: list[dict[str, Any]], source: End, target: End, port: int = 80, protocol: Protocol = "TCP"
) -> Verdict:
    policies = [read(policy(spec, f"p{n}")) for n, spec in enumerate(specs)]
    return Policies.of(policies, NAMESPACES).verdict(source, target, protocol, port)


def allowed(specs: list[dict[str, Any]], source: End, target: End, port: int = 80, protocol: Protocol = "TCP") -> bool:
    return verdict(specs, source, target, port, protocol).allowed


def ingress(*rules: Any, pods: Any = None) -> dict[str, Any]:
    return {"podSelector": pods or {}, "policyTypes": ["Ingress"], "ingress": list(rules)}


def egress(*rules: Any, pods: Any = None) -> dict[str, Any]:
    return {"podSelector": pods or {}, "policyTypes": ["Egress"], "egress": list(rules)}


def variants(*found: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return found


APP = {"matchLabels": {"app": "web"}}


# Isolation


def test_a_pod_that_no_policy_selects_is_open_in_both_directions() -> None:
    assert allowed([], OTHER, DB)
    assert allowed([ingress(pods=APP)], OTHER, DB)
    assert allowed([ingress(pods=APP)], DB, OUTSIDE)


def test_a_policy_that_selects_a_pod_denies_what_it_does_not_allow() -> None:
    assert not allowed([ingress(pods=APP)], DB, WEB)
    assert not allowed([egress(pods=APP)], WEB, DB)


def test_the_two_directions_isolate_independently() -> None:
    assert allowed([ingress(pods=APP)], WEB, DB)
    assert allowed([egress(pods=APP)], DB, WEB)


def test_both_the_egress_of_the_source_and_the_ingress_of_the_destination_must_allow() -> None:
    out, inside = egress({}, pods=APP), ingress(pods={"matchLabels": {"app": "db"}})
    found = verdict([out, inside], WEB, DB)
    assert (found.egress.allowed, found.ingress.allowed, found.allowed) == (True, False, False)
    found = verdict([egress(pods=APP), ingress({})], WEB, DB)
    assert (found.egress.allowed, found.ingress.allowed, found.allowed) == (False, True, False)
    assert verdict([egress({}), ingress({})], WEB, DB).allowed


def test_policies_add_up_and_their_order_means_nothing() -> None:
    one = ingress({"from": [{"podSelector": APP}]})
    other = ingress({"from": [{"podSelector": {"matchLabels": {"app": "other"}}}]})
    for specs in ([one, other], [other, one]):
        assert allowed(specs, WEB, DB)
        assert allowed(specs, OTHER, DB)
        assert not allowed(specs, BANK, DB)


def test_a_policy_reaches_only_pods_of_its_namespace() -> None:
    assert allowed([ingress()], WEB, BANK)
    assert not allowed([ingress()], BANK, WEB)


def test_a_pod_always_reaches_itself() -> None:
    assert allowed([ingress(), egress()], WEB, WEB)
    assert not allowed([ingress(), egress()], WEB, Pod(WEB.namespace, WEB.labels, WEB.named_ports, name="web-1"))


def test_the_verdict_names_the_policies_that_isolate_and_the_rules_that_allow() -> None:
    specs = [ingress(), ingress({"from": [{"podSelector": {}}, {"podSelector": APP}], "ports": [{"port": 80}]})]
    half = verdict(specs, WEB, DB).ingress
    assert [p.name for p in half.isolated_by] == ["p0", "p1"]
    assert [(a.policy.name, a.rule, a.peer) for a in half.allowed_by] == [("p1", 0, 0), ("p1", 0, 1)]


# spec, policyTypes


def test_a_missing_spec_isolates_every_pod_for_ingress() -> None:
    made = Policies.of([read(policy(None))])
    assert not made.verdict(BANK, WEB, "TCP", 80).allowed
    assert made.verdict(WEB, BANK, "TCP", 80).allowed


def test_without_policy_types_a_policy_with_egress_rules_is_for_both_directions() -> None:
    both = {"podSelector": APP, "egress": [{}]}
    assert not allowed([both], DB, WEB)
    assert allowed([both], WEB, DB)
    assert verdict([both], WEB, DB).egress.isolated_by


def test_without_policy_types_a_policy_without_egress_rules_is_for_ingress_alone() -> None:
    for missing in variants({}, {"egress": []}, {"egress": None}, {"policyTypes": []}, {"policyTypes": None}):
        spec = {"podSelector": APP, **missing}
        assert not allowed([spec], DB, WEB)
        assert allowed([spec], WEB, DB)


def test_rules_of_a_direction_that_policy_types_leaves_out_have_no_effect() -> None:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "ingress": [], "egress": [{}]}
    assert allowed([spec], DB, WEB)
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}], "egress": [{"to": [{"podSelector": APP}]}]}
    assert allowed([spec], WEB, DB)


def test_an_egress_only_policy_that_allows_nothing_must_say_its_type() -> None:
    assert not allowed([{"podSelector": {}, "policyTypes": ["Egress"]}], WEB, DB)
    assert allowed([{"podSelector": {}, "policyTypes": ["Egress"]}], BANK, WEB)


# podSelector


def test_an_empty_or_missing_pod_selector_selects_all_pods_of_the_namespace() -> None:
    for spec in variants({"podSelector": {}}, {}, {"podSelector": None}, {"podSelector": {"matchLabels": {}}}):
        assert not allowed([spec], BANK, WEB)
        assert not allowed([spec], BANK, Pod("shop"))


def test_match_labels_must_all_hold() -> None:
    pods = {"matchLabels": {"app": "db", "tier": "data"}}
    assert not allowed([ingress(pods=pods)], WEB, DB)
    assert allowed([ingress(pods=pods)], WEB, Pod("shop", {"app": "db"}))


def _selected(operator: str, values: list[str] | None, labels: dict[str, str]) -> bool:
    expression = {"key": "app", "operator": operator} | ({} if values is None else {"values": values})
    return not allowed([ingress(pods={"matchExpressions": [expression]})], BANK, Pod("shop", labels))


def test_in_holds_for_pods_with_one_of_the_values() -> None:
    assert _selected("In", ["web", "db"], {"app": "db"})
    assert not _selected("In", ["web", "db"], {"app": "x"})
    assert not _selected("In", ["web", "db"], {})


def test_not_in_holds_for_pods_with_another_value_or_without_the_key() -> None:
    assert not _selected("NotIn", ["web", "db"], {"app": "db"})
    assert _selected("NotIn", ["web", "db"], {"app": "x"})
    assert _selected("NotIn", ["web", "db"], {})


def test_exists_holds_for_pods_with_the_key_whatever_its_value() -> None:
    assert _selected("Exists", None, {"app": ""})
    assert not _selected("Exists", None, {"other": "web"})


def test_does_not_exist_holds_for_pods_without_the_key() -> None:
    assert _selected("DoesNotExist", None, {"other": "web"})
    assert not _selected("DoesNotExist", None, {"app": ""})


def test_match_labels_and_match_expressions_must_both_hold() -> None:
    pods = {"matchLabels": {"app": "db"}, "matchExpressions": [{"key": "tier", "operator": "Exists"}]}
    assert not allowed([ingress(pods=pods)], WEB, DB)
    assert allowed([ingress(pods=pods)], WEB, Pod("shop", {"app": "db"}))


# ingress, egress: rules


def test_no_rules_allow_nothing() -> None:
    for rules in variants({}, {"ingress": []}, {"ingress": None}):
        assert not allowed([{"podSelector": {}, "policyTypes": ["Ingress"], **rules}], WEB, DB)
    for rules in variants({}, {"egress": []}, {"egress": None}):
        assert not allowed([{"podSelector": {}, "policyTypes": ["Egress"], **rules}], WEB, DB)


def test_an_empty_rule_allows_everything() -> None:
    for end in (WEB, BANK, OUTSIDE, Pod("shop", host_network=True)):
        assert allowed([ingress({})], end, DB, 53, "UDP")
        assert allowed([egress({})], DB, end, 53, "UDP")


def test_missing_or_empty_peers_match_every_source_and_destination() -> None:
    for missing in variants({}, {"from": []}, {"from": None}):
        for end in (WEB, BANK, OUTSIDE):
            assert allowed([ingress({**missing, "ports": [{"port": 80}]})], end, DB)
            assert not allowed([ingress({**missing, "ports": [{"port": 80}]})], end, DB, 81)
    for missing in variants({}, {"to": []}, {"to": None}):
        assert allowed([egress({**missing, "ports": [{"port": 80}]})], DB, OUTSIDE)


def test_missing_or_empty_ports_match_all_traffic_whatever_the_port() -> None:
    for missing in variants({}, {"ports": []}, {"ports": None}):
        for protocol in ("TCP", "UDP", "SCTP"):
            assert allowed([ingress({**missing, "from": [{"podSelector": APP}]})], WEB, DB, 1, protocol)
        assert not allowed([ingress({**missing, "from": [{"podSelector": APP}]})], OTHER, DB)


def test_traffic_must_match_both_the_peers_and_the_ports_of_one_rule() -> None:
    spec = ingress({"from": [{"podSelector": APP}], "ports": [{"port": 80}]}, {"ports": [{"port": 443}]})
    assert allowed([spec], WEB, DB, 80)
    assert allowed([spec], OTHER, DB, 443)
    assert not allowed([spec], OTHER, DB, 80)


def test_rules_peers_and_ports_are_each_combined_with_or() -> None:
    peers = [{"podSelector": APP}, {"ipBlock": {"cidr": "198.51.100.0/24"}}]
    spec = ingress({"from": peers, "ports": [{"port": 80}, {"port": 443}]})
    for end in (WEB, OUTSIDE):
        assert allowed([spec], end, DB, 80)
        assert allowed([spec], end, DB, 443)
        assert not allowed([spec], end, DB, 8080)


# peers


def test_a_pod_selector_alone_selects_pods_of_the_policys_own_namespace() -> None:
    assert allowed([ingress({"from": [{"podSelector": APP}]})], WEB, DB)
    assert not allowed([ingress({"from": [{"podSelector": APP}]})], BANK, DB)


def test_an_empty_pod_selector_selects_all_pods_of_the_namespace_and_nobody_else() -> None:
    spec = ingress({"from": [{"podSelector": {}}]})
    assert allowed([spec], OTHER, DB)
    assert not allowed([spec], BANK, DB)
    assert not allowed([spec], OUTSIDE, DB)


def test_a_namespace_selector_alone_selects_all_pods_of_those_namespaces() -> None:
    spec = ingress({"from": [{"namespaceSelector": {"matchLabels": {"team": "red"}}}]})
    assert allowed([spec], BANK, DB)
    assert not allowed([spec], WEB, DB)


def test_an_empty_namespace_selector_selects_all_namespaces() -> None:
    spec = ingress({"from": [{"namespaceSelector": {}}]})
    for end in (WEB, BANK, Pod("nobody-described")):
        assert allowed([spec], end, DB)
    assert not allowed([spec], OUTSIDE, DB)


def test_both_selectors_in_one_peer_must_both_hold() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"team": "red"}}, "podSelector": APP}
    assert allowed([ingress({"from": [peer]})], BANK, DB)
    assert not allowed([ingress({"from": [peer]})], WEB, DB)
    assert not allowed([ingress({"from": [peer]})], Pod("bank", {"app": "x"}), DB)


def test_the_selectors_in_two_peers_are_alternatives() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"team": "red"}}}, {"podSelector": APP}]
    for end in (BANK, WEB, Pod("bank", {"app": "x"})):
        assert allowed([ingress({"from": peers})], end, DB)


def test_a_namespace_is_selected_by_name_through_the_label_the_api_server_sets() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}}
    assert allowed([ingress({"from": [peer]})], BANK, DB)
    assert not allowed([ingress({"from": [peer]})], WEB, DB)
    lying = Policies.of([read(policy(ingress({"from": [peer]})))], {"shop": {"kubernetes.io/metadata.name": "bank"}})
    assert not lying.verdict(WEB, DB, "TCP", 80).allowed


def test_selectors_work_for_egress_as_for_ingress() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"team": "red"}}, "podSelector": APP}
    assert allowed([egress({"to": [peer]})], WEB, BANK)
    assert not allowed([egress({"to": [peer]})], WEB, DB)


# ipBlock


def test_an_ip_block_matches_its_addresses() -> None:
    spec = egress({"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]})
    assert allowed([spec], WEB, OUTSIDE)
    assert not allowed([spec], WEB, Address("198.51.101.7"))


def test_an_ip_block_does_not_match_what_it_excepts() -> None:
    block = {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/29", "198.51.100.128/25"]}
    for ip, passes in (("198.51.100.7", False), ("198.51.100.8", True), ("198.51.100.200", False)):
        assert allowed([egress({"to": [{"ipBlock": block}]})], WEB, Address(ip)) == passes


def test_what_one_ip_block_excepts_another_may_allow() -> None:
    blocks = [{"ipBlock": {"cidr": "198.51.100.0/24", "except": ["198.51.100.0/29"]}}]
    assert not allowed([egress({"to": blocks})], WEB, OUTSIDE)
    assert allowed([egress({"to": [*blocks, {"ipBlock": {"cidr": "198.51.100.7/32"}}]})], WEB, OUTSIDE)


def test_an_ip_block_has_one_address_family() -> None:
    assert allowed([egress({"to": [{"ipBlock": {"cidr": "2001:db8::/32"}}]})], WEB, Address("2001:db8::1"))
    assert not allowed([egress({"to": [{"ipBlock": {"cidr": "2001:db8::/32"}}]})], WEB, OUTSIDE)
    assert not allowed([egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})], WEB, Address("2001:db8::1"))
    assert allowed([egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})], WEB, OUTSIDE)


def test_ip_blocks_are_for_addresses_and_selectors_for_pods() -> None:
    assert not allowed([egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})], WEB, DB)
    assert not allowed([egress({"to": [{"namespaceSelector": {}}]})], WEB, OUTSIDE)


# ports


def test_the_protocol_is_tcp_where_none_is_said() -> None:
    spec = ingress({"ports": [{"port": 53}]})
    assert allowed([spec], WEB, DB, 53, "TCP")
    assert not allowed([spec], WEB, DB, 53, "UDP")
    assert not allowed([spec], WEB, DB, 53, "SCTP")


def test_each_protocol_has_ports_of_its_own() -> None:
    protocols: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")
    for said in protocols:
        for asked in protocols:
            assert allowed([ingress({"ports": [{"port": 53, "protocol": said}]})], WEB, DB, 53, asked) == (
                said == asked
            )


def test_a_missing_port_matches_every_port_of_the_protocol() -> None:
    spec = ingress({"ports": [{"protocol": "UDP"}]})
    assert allowed([spec], WEB, DB, 1, "UDP")
    assert allowed([spec], WEB, DB, 65535, "UDP")
    assert not allowed([spec], WEB, DB, 1, "TCP")
    assert allowed([ingress({"ports": [{}]})], WEB, DB, 1, "TCP")
    assert not allowed([ingress({"ports": [{}]})], WEB, DB, 1, "UDP")


def test_an_end_port_makes_a_range_with_both_ends() -> None:
    spec = ingress({"ports": [{"port": 8000, "endPort": 8100}]})
    for number, passes in ((7999, False), (8000, True), (8050, True), (8100, True), (8101, False)):
        assert allowed([spec], WEB, DB, number) == passes
    assert allowed([ingress({"ports": [{"port": 80, "endPort": 80}]})], WEB, DB, 80)


def test_a_named_port_of_ingress_is_the_destinations_own() -> None:
    spec = ingress({"ports": [{"port": "http"}]})
    assert allowed([spec], OTHER, WEB, 8080)
    assert not allowed([spec], OTHER, WEB, 9090)
    assert allowed([spec], OTHER, DB, 9090)
    assert not allowed([spec], WEB, OTHER, 8080)


def test_a_named_port_of_egress_is_the_destinations_too() -> None:
    spec = egress({"ports": [{"port": "http"}]}, pods={"matchLabels": {"app": "other"}})
    assert allowed([spec], OTHER, WEB, 8080)
    assert allowed([spec], OTHER, DB, 9090)
    assert not allowed([spec], OTHER, DB, 8080)
    assert not allowed([spec], OTHER, OUTSIDE, 8080)


def test_a_named_port_has_a_protocol() -> None:
    spec = ingress({"ports": [{"port": "http", "protocol": "UDP"}]})
    assert not allowed([spec], OTHER, WEB, 8080, "UDP")
    assert not allowed([spec], OTHER, WEB, 8080, "TCP")
    assert allowed([spec], OTHER, Pod("shop", {}, (NamedPort("http", "UDP", 80),)), 80, "UDP")


# hostNetwork


def test_pods_on_the_hosts_network_are_isolated_by_nothing_and_match_no_selector() -> None:
    host = Pod("shop", {"app": "web"}, host_network=True)
    assert allowed([ingress(), egress()], BANK, host)
    assert not allowed([ingress({"from": [{"podSelector": APP}]})], host, DB)
