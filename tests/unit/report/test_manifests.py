"""Policies as commented YAML."""

import re
from typing import Any

import msgspec
import yaml

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.model.policy import ANY_PEER, Direction, Mode, Origin, PodPeer, Policy, PolicyKind, Rule
from servicegraph.model.ports import PortRange
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import EVERYTHING, Selector
from servicegraph.report.manifests import commented_yaml, rendered

GRAPH = GraphKey("shop", "shop")
BOTH = (Direction.INGRESS, Direction.EGRESS)


def origin(text: str, path: str = ".spec.services[0]") -> Origin:
    return Origin(GRAPH, path, text)


def policy(name: str = "search", **changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "namespace": "shop",
        "name": f"sg-{name}-0a1b2c3d4e",
        "kind": PolicyKind.SERVICE,
        "graph": GRAPH,
        "service": ServiceKey("shop", name),
        "subject": Selector.from_labels({"app": name}),
        "directions": BOTH,
        "ingress": (),
        "egress": (),
    }
    return Policy(**(fields | changes))


def deny(namespace: str = "shop") -> Policy:
    fields = {"kind": PolicyKind.DEFAULT_DENY, "service": None, "subject": EVERYTHING, "namespace": namespace}
    return msgspec.structs.replace(policy(), name="sg-default-deny", **fields)


FRONTEND = Rule(
    (PodPeer(Selector.from_labels({"app": "frontend"})),),
    (PortRange("TCP", 8080, 8080),),
    (origin("frontend calls search"), origin("frontend calls search [http]")),
)
ANYWHERE = Rule((ANY_PEER,), (PortRange("TCP", 80, 80),), (origin("search accepts anywhere [80]"),))


def test_each_rule_stands_below_the_entries_behind_it() -> None:
    assert (
        commented_yaml([policy(ingress=(FRONTEND, ANYWHERE))])
        == """\
# Written by `servicegraph render`. Do not edit: change the ServiceGraphs and render again.
# Above each rule stand the entries of the graphs behind it.
---
# shop/search, of the ServiceGraph shop/shop.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: rendered-sg-search-0a1b2c3d4e
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: servicegraph-render
    servicegraph.dev/graph: shop
    servicegraph.dev/service: search
spec:
  podSelector:
    matchLabels:
      app: search
  policyTypes:
  - Ingress
  - Egress
  ingress:
  # shop/shop: frontend calls search
  # shop/shop: frontend calls search [http]
  - from:
    - podSelector:
        matchLabels:
          app: frontend
    ports:
    - protocol: TCP
      port: 8080
  # shop/shop: search accepts anywhere [80]
  - ports:
    - protocol: TCP
      port: 80
  egress: []
"""
    )


def test_the_yaml_is_the_manifest_under_another_name_and_nothing_of_the_operators() -> None:
    one = policy(ingress=(FRONTEND,), egress=(ANYWHERE,))
    (read,) = yaml.safe_load_all(commented_yaml([one]))
    assert read == rendered(one)
    assert read["spec"] == manifest(one)["spec"]
    assert set(read["metadata"]) == {"name", "namespace", "labels"}


def test_places_are_named_when_asked_for() -> None:
    text = commented_yaml([policy(ingress=(FRONTEND,))], lambda origin: f"graph.yaml:{len(origin.path)}")
    assert "# shop/shop: frontend calls search [http] (graph.yaml:17)\n" in text


def test_a_rule_names_all_its_entries_however_many() -> None:
    many = tuple(origin(f"caller-{number} calls search") for number in range(500))
    text = commented_yaml([policy(ingress=(Rule(FRONTEND.peers, FRONTEND.ports, many),))])
    assert re.findall(r"^  # shop/shop: (.*)$", text, re.MULTILINE) == [o.text for o in many]


def test_what_is_dry_run_is_shown_and_not_applied() -> None:
    text = commented_yaml([policy("a"), policy("b", mode=Mode.DRY_RUN, ingress=(FRONTEND,)), policy("c")])
    applied = [document["metadata"]["name"] for document in yaml.safe_load_all(text)]
    assert applied == ["rendered-sg-a-0a1b2c3d4e", "rendered-sg-c-0a1b2c3d4e"]
    assert "#   name: rendered-sg-b-0a1b2c3d4e\n" in text
    assert "# mode: DryRun, so this is to be read and not to be applied.\n" in text


def test_default_denies_come_last_in_their_namespace() -> None:
    text = commented_yaml([deny("a"), policy(namespace="a"), deny("b"), policy(namespace="b")])
    order = [(d["metadata"]["namespace"], d["metadata"]["name"]) for d in yaml.safe_load_all(text)]
    service, last = "rendered-sg-search-0a1b2c3d4e", "rendered-sg-default-deny"
    assert order == [("a", service), ("a", last), ("b", service), ("b", last)]


def test_parts_say_that_they_are() -> None:
    assert "# Part 2 of 3: the parts add up.\n" in commented_yaml([policy(part=1, parts=3)])


def test_an_entry_cannot_break_out_of_its_comment() -> None:
    evil = Rule(FRONTEND.peers, FRONTEND.ports, (origin("a calls b\n---\nkind: Secret\r\u2028x: y\x85"),))
    text = commented_yaml([policy(ingress=(evil,))])
    (read,) = yaml.safe_load_all(text)
    assert read == rendered(policy(ingress=(evil,)))
    assert "a calls b\\n---\\nkind: Secret\\r\\u2028x: y\\x85" in text
