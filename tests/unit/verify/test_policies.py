"""What the API server would refuse is refused, with the path to it; what it takes is read the way it reads it."""

from typing import Any

import pytest

from servicegraph.model.policy import AddressPeer, Direction, PodPeer
from servicegraph.model.selectors import Selector
from servicegraph.verify.policies import PolicyPort, PolicyRule
from servicegraph.verify.reading import read
from servicegraph.verify.written import PolicyError


def manifest(spec: Any, **metadata: str) -> dict[str, Any]:
    named = {"name": "p", **metadata}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": named, "spec": spec}


def test_everything_a_policy_can_say_is_kept_in_its_place() -> None:
    found = read(
        manifest(
            {
                "podSelector": {"matchLabels": {"app": "web"}},
                "policyTypes": ["Egress", "Ingress"],
                "ingress": [
                    {
                        "from": [
                            {"podSelector": {}},
                            {"namespaceSelector": {"matchLabels": {"a": "b"}}},
                            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.2.0.0/16", "10.1.0.0/16"]}},
                        ],
                        "ports": [{"port": 80, "endPort": 90}, {"port": "http"}, {"protocol": "UDP"}],
                    }
                ],
            },
            namespace="shop",
        )
    )
    assert (found.namespace, found.name, str(found.key)) == ("shop", "p", "shop/p")
    assert found.subject == Selector.from_labels({"app": "web"})
    assert found.directions == (Direction.INGRESS, Direction.EGRESS)
    assert found.egress == ()
    assert found.ingress == (
        PolicyRule(
            (
                PodPeer(Selector()),
                PodPeer(Selector(), Selector.from_labels({"a": "b"})),
                AddressPeer("10.0.0.0/8", ("10.1.0.0/16", "10.2.0.0/16")),
            ),
            (PolicyPort("TCP", None, 80, 90), PolicyPort("TCP", "http", 0, 0), PolicyPort("UDP", None, 1, 65535)),
        ),
    )


def test_the_namespace_is_the_manifests_then_the_given_one_then_default() -> None:
    assert read(manifest({}, namespace="a"), "b").namespace == "a"
    assert read(manifest({}), "b").namespace == "b"
    assert read(manifest({})).namespace == "default"


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("10.20.30.40/16", "10.20.0.0/16"),
        ("010.020.0.0/16", "10.20.0.0/16"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0::1/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
    ],
)
def test_a_cidr_is_read_as_the_api_server_reads_it(written: str, means: str) -> None:
    found = read(manifest({"ingress": [{"from": [{"ipBlock": {"cidr": written}}]}]}))
    assert found.ingress[0].peers == (AddressPeer(means),)


BLOCK = ".spec.ingress[0].from[0].ipBlock"


def _rule(**fields: Any) -> dict[str, Any]:
    return {"ingress": [fields]}


def _peer(peer: Any) -> dict[str, Any]:
    return _rule(**{"from": [peer]})


def _port(**fields: Any) -> dict[str, Any]:
    return _rule(ports=[fields])


def _expression(**fields: Any) -> dict[str, Any]:
    return {"podSelector": {"matchExpressions": [{"key": "a", **fields}]}}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (_peer({}), ".spec.ingress[0].from[0]"),
        (_peer(None), ".spec.ingress[0].from[0]"),
        (_peer({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}), ".spec.ingress[0].from[0]"),
        (_peer({"ipBlock": {}}), ".spec.ingress[0].from[...].ipBlock"),
        (_peer({"ipBlock": {"cidr": "10.0.0.0"}}), f"{BLOCK}.cidr"),
        (_peer({"ipBlock": {"cidr": "10.0.0.0/33"}}), f"{BLOCK}.cidr"),
        (_peer({"ipBlock": {"cidr": "10.0.0.0/-1"}}), f"{BLOCK}.cidr"),
        (_peer({"ipBlock": {"cidr": "::/255.0.0.0"}}), f"{BLOCK}.cidr"),
        (
            _peer({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}),
            f"{BLOCK}.except[0]",
        ),
        (
            _peer({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/9"]}}),
            f"{BLOCK}.except[0]",
        ),
        (_peer({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["::/9"]}}), f"{BLOCK}.except[0]"),
        (_port(port=0), ".spec.ingress[0].ports[0].port"),
        (_port(port=65536), ".spec.ingress[0].ports[0].port"),
        (_port(port="80"), ".spec.ingress[0].ports[0].port"),
        (_port(port="a--b"), ".spec.ingress[0].ports[0].port"),
        (_port(port="sixteen-letters-"), ".spec.ingress[0].ports[0].port"),
        (_port(port=80, endPort=79), ".spec.ingress[0].ports[0].endPort"),
        (_port(port=80, endPort=65536), ".spec.ingress[0].ports[0].endPort"),
        (_port(port="http", endPort=80), ".spec.ingress[0].ports[0].endPort"),
        (_port(endPort=80), ".spec.ingress[0].ports[0].endPort"),
        (_port(port=80, protocol="ICMP"), ".spec.ingress[...].ports[...].protocol"),
        ({"policyTypes": ["Ingress", "Egress", "Ingress"]}, ".spec.policyTypes"),
        ({"policyTypes": ["ingress"]}, ".spec.policyTypes[...]"),
        (_expression(operator="In"), ".spec.podSelector.matchExpressions[0].values"),
        (_expression(operator="NotIn", values=[]), ".spec.podSelector.matchExpressions[0].values"),
        (_expression(operator="Exists", values=["b"]), ".spec.podSelector.matchExpressions[0].values"),
        (_expression(operator="DoesNotExist", values=["b"]), ".spec.podSelector.matchExpressions[0].values"),
        (_expression(operator="Is", values=["b"]), ".spec.podSelector.matchExpressions[...].operator"),
        (_expression(operator="In", values=["b c"]), ".spec.podSelector.matchExpressions[0]"),
        ({"podSelector": {"matchLabels": {"a/b/c": "d"}}}, ".spec.podSelector.matchLabels"),
        ({"podSelector": {"matchLabels": {"a": "b c"}}}, ".spec.podSelector.matchLabels"),
        ({"podSelector": {"matchLabels": {"a": 1}}}, ".spec.podSelector.matchLabels[...]"),
        ({"ingress": [{"to": [{"podSelector": {}}]}]}, ".spec.ingress[...]"),
        ({"egress": [{"from": [{"podSelector": {}}]}]}, ".spec.egress[...]"),
        ({"ingress": [{"form": [{"podSelector": {}}]}]}, ".spec.ingress[...]"),
        ({"podSelectors": {}}, ".spec"),
        ({"egress": [{"to": [{"podSelector": {}}], "ports": 80}]}, ".spec.egress[...].ports"),
    ],
)
def test_what_the_api_server_refuses_is_refused(spec: Any, path: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read(manifest(spec))
    assert refused.value.path.replace("[0]", "[...]") == path.replace("[0]", "[...]")
    assert refused.value.message


def test_rules_of_a_direction_without_effect_are_checked_all_the_same() -> None:
    with pytest.raises(PolicyError):
        read(manifest({"policyTypes": ["Ingress"], "egress": [{"ports": [{"port": 0}]}]}))


def test_another_kind_or_no_name_is_no_network_policy() -> None:
    wrongs: list[dict[str, Any]] = [{"kind": "Ingress"}, {"apiVersion": "extensions/v1beta1"}, {"metadata": {}}]
    for wrong in wrongs:
        with pytest.raises(PolicyError):
            read({**manifest({}), **wrong})
