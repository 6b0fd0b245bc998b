"""The engine Cilium on a real API server: found by itself, followed by graphs, and left without a cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kube import MERGE, Audit, Kube, Object
from tests.integration.look import condition, settled
from tests.integration.operators import Operator, down, leading, operating
from tests.integration.world import SHOP, graph
from tests.waiting import eventually

NAMED: Object = {**SHOP, "database": {"calls": [{"fqdn": "backup.example.com", "ports": [443]}]}}
ENTITY: Object = {**SHOP, "database": {"calls": [{"kubeAPIServer": True}]}}
GROUP = "ciliumnetworkpolicies.cilium.io"

KIND: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": GROUP},
    "spec": {
        "group": "cilium.io",
        "scope": "Namespaced",
        "names": {"kind": "CiliumNetworkPolicy", "plural": "ciliumnetworkpolicies", "singular": "ciliumnetworkpolicy"},
        "versions": [
            {
                "name": "v2",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
AGENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "cilium", "namespace": "kube-system", "labels": {"k8s-app": "cilium"}},
    "spec": {
        "selector": {"matchLabels": {"k8s-app": "cilium"}},
        "template": {
            "metadata": {"labels": {"k8s-app": "cilium"}},
            "spec": {"containers": [{"name": "agent", "image": "example.test/none"}]},
        },
    },
}
NODE = "cilium-node"
_AGENT = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"
_KIND = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{GROUP}"


def ready_agents(kube: Kube, count: int) -> None:
    """Have the agent's pod say whether it is ready, as a kubelet would."""
    pods = [pod for pod in kube.list("Pod", "kube-system") if pod["metadata"]["labels"].get("k8s-app") == "cilium"]
    ready = {"type": "Ready", "status": "True" if count else "False"}
    path = f"/api/v1/namespaces/kube-system/pods/{pods[0]['metadata']['name']}"
    kube.call("PATCH", f"{path}/status", {"status": {"phase": "Running", "conditions": [ready]}}, MERGE)
    eventually(lambda: kube.call("GET", _AGENT)["status"]["numberReady"] == count, "the DaemonSet's status follows")


def established(kube: Kube) -> bool:
    conditions = kube.call("GET", _KIND).get("status", {}).get("conditions", ())
    return any((c["type"], c["status"]) == ("Established", "True") for c in conditions)


@pytest.fixture(scope="module")
def cilium(kube: Kube) -> Iterator[None]:
    """Cilium as the API shows it: its kind, and a node with an agent that is ready. Nothing else of it runs."""
    kube.apply(KIND, AGENT)
    kube.call("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
    try:
        eventually(lambda: established(kube), "the kind is served")
        eventually(lambda: bound(kube), "the agent is on the node")
        ready_agents(kube, 1)
        yield
    finally:
        kube.call("DELETE", f"/api/v1/nodes/{NODE}")
        kube.call("DELETE", _AGENT)
        kube.call("DELETE", _KIND)
        eventually(lambda: kube.try_call("GET", _KIND)[0] == 404, "the kind is gone")


def bound(kube: Kube) -> bool:
    """Put the agent's pod on the node, as a scheduler would."""
    for pod in kube.list("Pod", "kube-system"):
        if pod["metadata"]["labels"].get("k8s-app") == "cilium":
            name = pod["metadata"]["name"]
            binding = {"metadata": {"name": name}, "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}}
            kube.call("POST", f"/api/v1/namespaces/kube-system/pods/{name}/binding", binding)
            return True
    return False


@pytest.fixture(scope="module")
def operator(cilium: None, account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with operating(account, tmp_path_factory.mktemp("operator"), resync_seconds="1") as running:
        yield leading(running)


def theirs(namespace: str) -> Object:
    """A policy of Cilium's kind that somebody else wrote."""
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "theirs", "namespace": namespace},
        "spec": {"endpointSelector": {}, "egressDeny": [{"toEntities": ["world"]}]},
    }


def kinds(kube: Kube, namespace: str) -> dict[str, str]:
    """The kind of each service's policy."""
    return {
        policy["metadata"]["labels"]["servicegraph.dev/service"]: kind
        for kind in ("NetworkPolicy", "CiliumNetworkPolicy")
        for policy in kube.list(kind, namespace)
    }


def only(kube: Kube, namespace: str) -> Object:
    """The one policy of Cilium's kind."""
    (found,) = kube.list("CiliumNetworkPolicy", namespace)
    return found


def test_only_what_needs_it_is_of_ciliums_kind(kube: Kube, operator: Operator, shop: str) -> None:
    assert set(kinds(kube, shop).values()) == {"NetworkPolicy"}
    kube.apply(graph(shop, "shop", {**NAMED, "search": {"calls": [{"service": "database"}]}}))
    eventually(lambda: settled(kube, shop))
    eventually(
        lambda: (
            kinds(kube, shop)
            == {"frontend": "NetworkPolicy", "search": "NetworkPolicy", "database": "CiliumNetworkPolicy"}
        )
    )
    eventually(lambda: condition(kube, shop, "shop", "Verified") == "True", "and it is proven")
    kube.apply(theirs(shop))
    eventually(lambda: condition(kube, shop, "shop", "Verified") == "Unknown", "of others' nothing is known")
    kube.delete("CiliumNetworkPolicy", shop, "theirs")
    eventually(lambda: condition(kube, shop, "shop", "Verified") == "True", "theirs is gone")
    egress = only(kube, shop)["spec"]["egress"]
    assert {"matchName": "backup.example.com"} in [name for rule in egress for name in rule.get("toFQDNs", [])]
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: set(kinds(kube, shop).values()) == {"NetworkPolicy"}, "the name is not called any more")


def test_another_engine_is_there_before_the_first_goes(kube: Kube, operator: Operator, audit: Audit, shop: str) -> None:
    kube.apply(graph(shop, "shop", SHOP, engine="Cilium"))
    eventually(lambda: set(kinds(kube, shop).values()) == {"CiliumNetworkPolicy"}, "every service moves")
    eventually(lambda: settled(kube, shop))
    kube.apply(graph(shop, "shop", SHOP, engine="NetworkPolicy"))
    eventually(lambda: set(kinds(kube, shop).values()) == {"NetworkPolicy"}, "and back")
    present: dict[str, int] = {}
    fewest = []
    for verb, resource, name in audit.writes_in(shop):
        if resource in ("networkpolicies", "ciliumnetworkpolicies") and name.startswith("sg-"):
            service = name.split("-")[1]
            present[service] = present.get(service, 1) + {"patch": 1, "delete": -1}[verb]
            fewest.append(present[service])
    assert fewest
    assert min(fewest) >= 1, "a service is never without a policy"


def test_a_hand_edit_is_reverted_and_a_deleted_one_comes_back(kube: Kube, operator: Operator, shop: str) -> None:
    kube.apply(graph(shop, "shop", ENTITY))
    eventually(lambda: kube.list("CiliumNetworkPolicy", shop))
    policy = only(kube, shop)
    name, spec = policy["metadata"]["name"], policy["spec"]
    kube.patch("CiliumNetworkPolicy", shop, name, {"spec": {"egress": [{"toEntities": ["all"]}]}})
    eventually(lambda: only(kube, shop)["spec"] == spec, "the edit is reverted")
    for addition in (
        {"spec": {"egressDeny": [{"toEntities": ["all"]}]}},
        {"spec": {"endpointSelector": {"matchLabels": {"k8s:app": "database", "k8s:nobody": "has-it"}}}},
        {"specs": [{"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}]},
    ):
        kube.patch("CiliumNetworkPolicy", shop, name, addition)
        eventually(lambda: only(kube, shop)["spec"] == spec and not only(kube, shop).get("specs"), str(addition))
    kube.delete("CiliumNetworkPolicy", shop, name)
    eventually(lambda: kube.list("CiliumNetworkPolicy", shop) and only(kube, shop)["spec"] == spec, "it comes back")


def test_policies_go_with_their_graph(kube: Kube, operator: Operator, shop: str) -> None:
    kube.apply(graph(shop, "shop", NAMED, isolation="Namespace"))
    eventually(lambda: settled(kube, shop))
    eventually(lambda: kube.list("CiliumNetworkPolicy", shop))
    kube.delete("ServiceGraph", shop, "shop")
    eventually(lambda: not kube.list("CiliumNetworkPolicy", shop) and not kube.list("NetworkPolicy", shop))


def test_a_policy_of_the_other_kind_with_a_name_of_ours_is_nobodys(kube: Kube, operator: Operator, shop: str) -> None:
    kube.apply(graph(shop, "shop", ENTITY))
    eventually(lambda: kube.list("CiliumNetworkPolicy", shop))
    name = only(kube, shop)["metadata"]["name"]
    kube.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": shop},
            "spec": {"podSelector": {"matchLabels": {"app": "mine"}}, "policyTypes": ["Ingress"]},
        }
    )
    kube.patch("CiliumNetworkPolicy", shop, name, {"spec": {"egress": [{}]}})
    eventually(lambda: "toEntities" in str(only(kube, shop)["spec"]["egress"]), "ours is still cared for")
    mine = kube.get("NetworkPolicy", shop, name)
    assert mine is not None
    assert mine["spec"]["podSelector"] == {"matchLabels": {"app": "mine"}}


def test_a_restart_while_no_agent_is_ready_changes_nothing(
    kube: Kube, operator: Operator, audit: Audit, shop: str
) -> None:
    kube.apply(graph(shop, "shop", NAMED))
    eventually(lambda: settled(kube, shop))
    ready_agents(kube, 0)
    audit.reset()
    with down(operator):
        pass
    eventually(operator.is_leading)
    kube.apply(graph(shop, "shop", {**NAMED, "frontend": {}}))
    eventually(lambda: settled(kube, shop), "it goes on")
    assert [name for verb, _, name in audit.writes_in(shop) if verb == "delete" or "cilium" in name] == []
