"""The condition Verified in a cluster with policies of kinds that the proof does not know."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.kube import Kube
from tests.integration.look import condition
from tests.integration.operators import leading, operating
from tests.integration.world import SHOP, app, graph
from tests.waiting import eventually

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def verified(kube: Kube, namespace: str, field: str = "reason") -> str | None:
    return condition(kube, namespace, "shop", "Verified", field)


def groups(kube: Kube) -> set[str]:
    """The API groups that there are."""
    return {group["name"] for group in kube.call("GET", "/apis")["groups"]}


@contextmanager
def cilium(kube: Kube) -> Iterator[None]:
    """A cluster that knows CiliumNetworkPolicies."""
    names = {"kind": "CiliumNetworkPolicy", "plural": "ciliumnetworkpolicies", "singular": "ciliumnetworkpolicy"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v2", "served": True, "storage": True, "schema": schema}
    spec = {"group": "cilium.io", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    kube.call("POST", CRDS, {**kind, "metadata": {"name": "ciliumnetworkpolicies.cilium.io"}, "spec": spec})
    try:
        eventually(lambda: "cilium.io" in groups(kube), "the kind is there")
        yield
    finally:
        kube.call("DELETE", f"{CRDS}/ciliumnetworkpolicies.cilium.io")
        eventually(lambda: "cilium.io" not in groups(kube), "the kind is gone")


def test_policies_of_other_kinds_leave_it_unknown(
    kube: Kube, account: Path, tmp_path: Path, namespace: str, neighbour: str
) -> None:
    for each in (namespace, neighbour):
        kube.apply(*app(each, *SHOP), graph(each, "shop", SHOP))
    with cilium(kube), operating(account, tmp_path, resync_seconds="0.5") as alone:
        leading(alone)
        eventually(lambda: verified(kube, namespace) == verified(kube, neighbour) == "Exact", "there are none yet")
        path = f"/apis/cilium.io/v2/namespaces/{namespace}/ciliumnetworkpolicies"
        body = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "dns"}, "spec": {}}
        kube.call("POST", path, body)
        eventually(lambda: verified(kube, namespace) == "UnmodelledPolicies", "it is found")
        assert verified(kube, namespace, "status") == "Unknown"
        assert "CiliumNetworkPolicy dns" in (verified(kube, namespace, "message") or "")
        assert verified(kube, neighbour) == "Exact"
        kube.call("DELETE", f"{path}/dns")
        eventually(lambda: verified(kube, namespace) == "Exact", "it is gone")
