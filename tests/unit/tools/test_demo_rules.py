"""NetworkPolicies as lines for people."""

from typing import Any

import pytest

from tools.demo.rules import Line, annotated, difference, lines, peers, selector, subject


def policy(ingress: list[Any] | None = None, egress: list[Any] | None = None, **annotations: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"podSelector": {"matchLabels": {"app": "a"}}}
    spec |= {"ingress": ingress} if ingress else {}
    spec |= {"egress": egress} if egress else {}
    return {"metadata": {"annotations": annotations}, "spec": spec}


def pods(**labels: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": labels}}


TCP_80 = [{"protocol": "TCP", "port": 80}]


def test_every_peer_of_a_rule_is_a_line_and_an_absent_direction_is_none() -> None:
    found = policy(ingress=[{"from": [pods(app="b"), pods(app="c")], "ports": TCP_80}])
    assert subject(found) == "app=a"
    assert lines(found) == (Line("from", "app=b", "80/TCP"), Line("from", "app=c", "80/TCP"))


@pytest.mark.parametrize(
    ("peer", "text"),
    [
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}} | pods(k="v"), "k=v in dns"),
        ({"namespaceSelector": {"matchLabels": {"team": "x"}}, "podSelector": {}}, "all pods in team=x"),
        ({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, "10.0.0.0/8 except 10.1.0.0/16"),
    ],
)
def test_peers(peer: dict[str, Any], text: str) -> None:
    assert lines(policy(egress=[{"to": [peer], "ports": TCP_80}])) == (Line("to", text, "80/TCP"),)


def test_what_a_rule_does_not_limit_is_said() -> None:
    assert lines(policy(ingress=[{}])) == (Line("from", "anyone", "every port"),)
    ports = [{"protocol": "UDP", "port": 8000, "endPort": 8100}, {"protocol": "SCTP"}]
    assert lines(policy(ingress=[{"ports": ports}])) == (Line("from", "anyone", "8000-8100/UDP */SCTP"),)


def test_selectors_are_written_as_kubectl_takes_them() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    found = {"matchLabels": {"l": "v", "k": "w"}, "matchExpressions": expressions}
    assert selector(found) == "k=w,l=v,a in (x,y),b notin (z),c,!d"
    assert selector({}) == "all pods"


def test_a_difference_is_what_came_and_what_went() -> None:
    before = policy(ingress=[{"from": [pods(app="b"), pods(app="c")], "ports": TCP_80}], since="1", other="x")
    after = policy(ingress=[{"from": [pods(app="c"), pods(app="d")], "ports": TCP_80}], since="2", other="x")
    found = difference(before, after)
    assert (found.added, found.removed) == ((Line("from", "app=d", "80/TCP"),), (Line("from", "app=b", "80/TCP"),))
    assert annotated(before, after) == ("since",)
    assert peers(after) == {"app=c", "app=d"}
