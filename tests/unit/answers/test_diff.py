"""Pods that nobody described, pods that only may come, and pods in the host's network, as changes tell of them."""

from typing import Any

from servicegraph.answers.diff import diff
from servicegraph.verify.changes import ChangeKind
from tests.integration.world import deployment, service
from tests.unit.answers.scenes import NAMES, setting

ALL: list[dict[str, Any]] = [{"name": name} for name in NAMES]


def policy(app: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": app, "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }


def changes(old: Any, new: Any) -> list[tuple[ChangeKind, str, str, bool]]:
    found = diff(old.scene, new.scene).changes
    return [(change.kind, change.source, change.destination, change.effective) for change in found]


def test_isolating_a_namespace_or_not_is_told_where_all_its_services_are_declared() -> None:
    members, namespace = setting({"services": ALL}), setting({"services": ALL, "isolation": "Namespace"})
    others = "every other pod of shop"
    assert changes(namespace, members) == [
        (ChangeKind.OPENED, "anywhere", others, True),
        (ChangeKind.OPENED, others, "anywhere", True),
    ]
    assert diff(namespace.scene, members.scene).widens
    assert changes(members, namespace) == [
        (ChangeKind.ISOLATED, "anywhere", others, True),
        (ChangeKind.ISOLATED, others, "anywhere", True),
    ]


def test_pods_that_a_service_may_have_tomorrow_are_told_though_those_of_today_keep_what_they_had() -> None:
    stable = deployment("shop", "cart", {"app": "cart", "track": "stable"})
    objects = (service("shop", "cart"), stable)
    quiet = {"name": "stable", "mode": "Off", "selects": [{"labels": {"app": "cart", "track": "stable"}}]}
    spec = {"isolation": "Namespace", "services": [{"name": "cart"}, quiet]}
    found = changes(setting(None, *objects), setting(spec, *objects))
    some = "shop/cart (pods app=cart,track notin (stable))"
    assert (ChangeKind.ISOLATED, "anywhere", some, True) in found


def test_pods_in_the_hosts_network_are_no_peer_of_a_rule_by_labels() -> None:
    agent = deployment("shop", "agent")
    agent["spec"]["template"]["spec"]["hostNetwork"] = True
    silent = policy("agent", {"policyTypes": ["Egress"]})
    called = {"from": [{"podSelector": {"matchLabels": {"app": "agent"}}}], "ports": [{"port": 8080}]}
    old = policy("search", {"policyTypes": ["Ingress"]})
    new = policy("search", {"policyTypes": ["Ingress"], "ingress": [{}, called]})
    assert changes(setting(None, agent, silent, old), setting(None, agent, silent, new)) == [
        (ChangeKind.ADDED, "anywhere", "shop/search", True),
        (ChangeKind.ADDED, "shop/agent", "shop/search", False),
    ]


def test_pods_that_were_a_services_do_not_go_by_its_name_alone() -> None:
    old = {"services": [{"name": "cart", "selects": [{"labels": {"app": "basket"}}]}]}
    accepts = [{"pods": {"labels": {"app": "basket"}}, "ports": [8080]}]
    new = {"services": [{"name": "cart", "selects": [{"labels": {"app": "cart"}}], "accepts": accepts}]}
    sides = [setting({**spec, "isolation": "Namespace"}) for spec in (old, new)]
    assert (ChangeKind.ADDED, "shop/cart (pods app=basket)", "shop/cart") in [c[:3] for c in changes(*sides)]
