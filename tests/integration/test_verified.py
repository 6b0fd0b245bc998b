"""The condition Verified: what the operator writes, with the policies of others, held against the graph."""

from typing import Any

from tests.integration.kube import Kube, Object, Refused
from tests.integration.look import condition, settled
from tests.integration.operators import Operator
from tests.integration.world import SHOP, app, graph
from tests.waiting import eventually


def verified(kube: Kube, namespace: str, field: str = "reason") -> str | None:
    return condition(kube, namespace, "shop", "Verified", field)


def foreign(namespace: str, name: str, **spec: Any) -> Object:
    made = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**made, "metadata": {"name": name, "namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def monitoring(namespace: str) -> Object:
    return foreign(
        namespace,
        "allow-monitoring",
        policyTypes=["Ingress"],
        ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}], "ports": [{"port": 9090}]}],
    )


def drop(kube: Kube, namespace: str, name: str) -> None:
    kube.call("DELETE", f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{name}")


def test_what_the_operator_writes_is_exact(kube: Kube, shop: str) -> None:
    eventually(lambda: verified(kube, shop) == "Exact")
    assert verified(kube, shop, "status") == "True"


def test_a_policy_of_somebody_else_that_opens_more_is_named_until_it_goes(kube: Kube, shop: str) -> None:
    kube.apply(monitoring(shop))
    eventually(lambda: verified(kube, shop) == "Inexact", "the policy is noticed")
    message = verified(kube, shop, "message") or ""
    assert f"pods app=prometheus in {shop} -> {shop}/database 9090" in message
    assert f"allowed by {shop}/allow-monitoring ingress[0].from[0]" in message
    assert verified(kube, shop, "status") == "False"
    assert condition(kube, shop, "shop", "Ready") == "True"
    drop(kube, shop, "allow-monitoring")
    eventually(lambda: verified(kube, shop) == "Exact", "it is gone")


def test_a_policy_of_somebody_else_that_cuts_nothing_and_opens_nothing_is_no_matter(kube: Kube, shop: str) -> None:
    kube.apply(foreign(shop, "deny", policyTypes=["Ingress", "Egress"]))
    kube.apply(monitoring(shop))
    eventually(lambda: verified(kube, shop) == "Inexact", "both are noticed")
    drop(kube, shop, "allow-monitoring")
    eventually(lambda: verified(kube, shop) == "Exact", "the one that denies is left")


def test_trusted_policies_leave_it_true_and_are_named(kube: Kube, shop: str) -> None:
    kube.apply(monitoring(shop))
    eventually(lambda: verified(kube, shop) == "Inexact")
    kube.apply(graph(shop, "shop", SHOP, trusts=[{"policy": "allow-monitoring"}]))
    eventually(lambda: verified(kube, shop) == "ExactExceptTrusted", "the policy is trusted")
    assert verified(kube, shop, "status") == "True"
    assert "allow-monitoring" in (verified(kube, shop, "message") or "")


def test_a_graph_in_dry_run_is_proven_as_it_would_be(kube: Kube, operator: Operator, namespace: str) -> None:
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP, mode="DryRun"))
    eventually(lambda: settled(kube, namespace) and verified(kube, namespace) == "Exact")
    assert "what Enforce would write" in (verified(kube, namespace, "message") or "")
    kube.apply(monitoring(namespace))
    eventually(lambda: verified(kube, namespace) == "Inexact", "what others open counts as well")
    assert [p["metadata"]["name"] for p in kube.list("NetworkPolicy", namespace)] == ["allow-monitoring"]


def test_under_namespace_isolation_pods_of_nobody_are_proven_too(
    kube: Kube, operator: Operator, namespace: str
) -> None:
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP, isolation="Namespace"))
    eventually(lambda: settled(kube, namespace) and verified(kube, namespace) == "Exact")
    only = {"podSelector": {"matchLabels": {"app": "legacy"}}}
    kube.apply(foreign(namespace, "legacy", **only, policyTypes=["Ingress"], ingress=[{}]))
    eventually(lambda: verified(kube, namespace) == "Inexact", "the default deny says that nobody reaches them")
    message = verified(kube, namespace, "message") or ""
    assert "extra: anywhere -> pods app=legacy" in message
    assert f"allowed by {namespace}/legacy ingress[0]" in message


def test_the_api_server_takes_only_policies_that_can_be_read(kube: Kube, namespace: str) -> None:
    """What the proof refuses to read, the API server refuses as well."""
    rules: list[Object] = [{"ports": [{"port": "80"}]}, {"from": [{}]}, {"ports": [{"endPort": 80}]}]
    for rule in rules:
        wrong = foreign(namespace, "wrong", ingress=[rule])
        try:
            kube.apply(wrong)
        except Refused as refused:
            assert refused.status == 422
        else:
            raise AssertionError(f"{rule} was accepted")
