"""FqdnBypass: a rule without names that reaches the resolver of pods whose questions are limited."""

import pytest

from servicegraph.model.policy import LookupPeer, NamePeer
from servicegraph.verify.bypass import bypasses
from tests.unit.verify.made import OUT, declared, flow, peer, pods, policy, rule

RESOLVER = pods("dns", "kube-system")
SAID = declared(
    "web",
    flow(OUT, NamePeer("api.example.com"), 443),
    flow(OUT, LookupPeer(RESOLVER, ("api.example.com",)), "53/UDP"),
    isolated=(OUT,),
)
UDP = {"port": 53, "protocol": "UDP"}


@pytest.mark.parametrize(
    ("subject", "said", "found"),
    [
        ("web", rule("to", peer("dns", "kube-system"), on=(UDP,)), True),
        ({}, rule("to", peer("dns", "kube-system"), on=(UDP,)), True),
        ({}, rule("to", on=(UDP,)), True),
        ({}, {}, True),
        ({}, rule("to", {"namespaceSelector": {}}), True),
        ("other", rule("to", peer("dns", "kube-system"), on=(UDP,)), False),
        ("web", rule("to", peer("dns"), on=(UDP,)), False),
        ("web", rule("to", peer("dns", "kube-system"), on=(53,)), False),
        ("web", rule("to", {"ipBlock": {"cidr": "0.0.0.0/0"}}), False),
    ],
)
def test_which_rules_lead_around(subject: object, said: dict[str, object], found: bool) -> None:
    other = policy("other", subject, egress=[said])
    told = [str(bypass.cause) for bypass in bypasses([SAID], [other])]
    assert [text.partition(" ")[0] for text in told] == (["shop/other"] if found else [])


def test_pods_that_may_ask_for_any_name_have_nothing_to_go_around() -> None:
    free = declared("web", flow(OUT, RESOLVER, "53/UDP"), isolated=(OUT,))
    assert bypasses([free], [policy("other", {}, egress=[{}])]) == ()


def test_ingress_and_other_namespaces_are_no_way_around() -> None:
    into = policy("into", {}, ingress=[{}])
    elsewhere = policy("elsewhere", {}, namespace="other", egress=[{}])
    assert bypasses([SAID], [into, elsewhere]) == ()
