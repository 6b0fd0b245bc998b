"""Graphs that are wrong, that share services, that call into other namespaces, and that vanish unseen."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.access import may
from tests.integration.kube import Kube, Object
from tests.integration.look import condition, peers, policies, versions
from tests.integration.operators import USER, Operator
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually
from tools.cluster import Cluster

INVALID = {"search": {"calls": [{"cidr": "10.20.1.0/16", "ports": [443]}]}}
"""What the API server takes, and the parser does not."""


@pytest.fixture
def neighbour(kube: Kube) -> Iterator[str]:
    """A second namespace."""
    name = f"test-{secrets.token_hex(4)}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kube.call("DELETE", f"/api/v1/namespaces/{name}")


def ready(kube: Kube, namespace: str, name: str = "shop") -> bool:
    return condition(kube, namespace, name, "Ready") == "True"


def codes(kube: Kube, namespace: str, name: str) -> list[str]:
    found: Object = kube.get("ServiceGraph", namespace, name) or {}
    return [problem["code"] for problem in found.get("status", {}).get("problems", ())]


def test_an_invalid_edit_leaves_the_policies_as_they_were(kube: Kube, shop: str) -> None:
    before = versions(kube, shop)
    kube.apply(graph(shop, "shop", {**SHOP, **INVALID}))
    eventually(lambda: condition(kube, shop, "shop", "Stalled", "reason") == "Invalid", "it says that it is invalid")
    assert "write 10.20.0.0/16" in (condition(kube, shop, "shop", "Stalled", "message") or "")
    assert condition(kube, shop, "shop", "Ready") == "False"
    assert versions(kube, shop) == before
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: ready(kube, shop), "it is corrected")
    assert versions(kube, shop) == before


def test_a_service_belongs_to_the_graph_that_has_it(kube: Kube, shop: str) -> None:
    kube.apply(graph(shop, "a-second", {"search": calls("frontend")}))
    eventually(lambda: "DuplicateService" in codes(kube, shop, "a-second"), "the second is told")
    eventually(lambda: "DuplicateService" in codes(kube, shop, "shop"), "the first is told")
    assert peers(policies(kube, shop)["search"], "egress") == [({"app": "database"}, [8080])]
    kube.delete("ServiceGraph", shop, "shop")
    eventually(lambda: policies(kube, shop).keys() == {"search"}, "the second has it now")

    def called() -> list[Any]:
        return [peers(policy, "egress") for policy in policies(kube, shop).values()]

    eventually(lambda: called() == [[({"app": "frontend"}, [8080])]], "and what it calls is called")


def test_consent_across_namespaces(kube: Kube, shop: str, neighbour: str) -> None:
    kube.apply(*app(neighbour, "ledger"), graph(neighbour, "bank", {"ledger": {}}))
    eventually(lambda: "ledger" in policies(kube, neighbour) and ready(kube, neighbour, "bank"), "it is isolated")
    wish = {**SHOP, "search": {"calls": [{"service": "ledger", "namespace": neighbour}]}}
    kube.apply(graph(shop, "shop", wish))
    eventually(lambda: condition(kube, shop, "shop", "EdgesResolved", "reason") == "AwaitingConsent")
    eventually(lambda: ready(kube, shop))
    assert peers(policies(kube, neighbour)["ledger"], "ingress") == []
    accepting = {"ledger": {"accepts": [{"service": "search", "namespace": shop}]}}
    kube.apply(graph(neighbour, "bank", accepting))
    eventually(lambda: condition(kube, shop, "shop", "EdgesResolved") == "True", "the call is active")
    eventually(lambda: peers(policies(kube, neighbour)["ledger"], "ingress") == [({"app": "search"}, [8080])])
    kube.apply(graph(neighbour, "bank", {"ledger": {}}))
    eventually(lambda: peers(policies(kube, neighbour)["ledger"], "ingress") == [], "consent is withdrawn")


def test_writing_is_forbidden(kube: Kube, control_plane: Cluster, operator: Operator, namespace: str) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/servicegraph-operator"
    role = kube.call("GET", path)
    less = [
        {**rule, "verbs": ["get", "list", "watch"]} if "networkpolicies" in rule["resources"] else rule
        for rule in role["rules"]
    ]
    try:
        kube.call("PATCH", path, {"rules": less}, "application/merge-patch+json")
        resource = ("networking.k8s.io", "networkpolicies")
        eventually(lambda: not may(control_plane, USER, namespace, resource, "patch"), "the authorizer knows")
        kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
        eventually(lambda: condition(kube, namespace, "shop", "Stalled", "reason") == "Forbidden", "it says so")
        assert operator.metric('servicegraph_api_errors_total{status="403"}') > 0
    finally:
        kube.call("PATCH", path, {"rules": role["rules"]}, "application/merge-patch+json")
    eventually(lambda: ready(kube, namespace), "it goes on by itself")


def test_the_pods_of_a_node_that_joins_are_not_the_internet(kube: Kube, operator: Operator, namespace: str) -> None:
    node = f"node-{namespace}"
    kube.apply(*app(namespace, "crawler"))
    kube.apply(graph(namespace, "shop", {"crawler": {"calls": [{"internet": True, "ports": [443]}]}}))
    try:
        kube.call("POST", "/api/v1/nodes", {"metadata": {"name": node}, "spec": {"podCIDRs": ["10.244.77.0/24"]}})
        address = {"status": {"addresses": [{"type": "InternalIP", "address": "10.9.8.7"}]}}
        kube.call("PATCH", f"/api/v1/nodes/{node}/status", address, "application/merge-patch+json")

        def excluded() -> set[str]:
            blocks = [
                peer["ipBlock"]
                for policy in kube.list("NetworkPolicy", namespace)
                for rule in policy["spec"].get("egress", [])
                for peer in rule["to"]
            ]
            return {cidr for block in blocks for cidr in block.get("except", [])}

        eventually(lambda: {"10.244.77.0/24", "10.9.8.7/32"} <= excluded(), "its ranges are left out")
    finally:
        kube.call("DELETE", f"/api/v1/nodes/{node}")
