"""What the cluster says of itself: taken from watches where they have it, and kept when it is not told any more."""

import json
from pathlib import Path
from typing import Any

from servicegraph.controller.profile import Observed, observe
from servicegraph.sources.api import ApiClient
from tests.integration.clients import with_client
from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import policies, settled
from tests.integration.operators import kubeconfig_of, leading, operating, through
from tests.integration.world import app, graph, pod_spec
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

PROFILE: Object = {
    "apiVersion": "servicegraph.dev/v1alpha1",
    "kind": "ClusterProfile",
    "ranges": {"pods": ["10.244.0.0/16"]},
}
"""The pods' range is given: the controller manager tells another with each node."""


def test_a_look_that_is_not_permitted_keeps_what_an_earlier_one_found(
    kube: Kube, account: Path, tmp_path: Path, namespace: str
) -> None:
    kube.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "nobody"}})
    nobody = kubeconfig_of(kube, namespace, "nobody", tmp_path)

    async def look(client: ApiClient) -> Observed:
        return await observe(client, Observed(pods=("10.244.0.0/16",), dns=("kube-system", "coredns")))

    assert with_client(account, look).services, "the operator's account may read the range of Services"

    async def look_again(client: ApiClient) -> None:
        known = Observed(("10.96.0.0/16",), ("10.244.0.0/16",), ("kube-system", "coredns"))
        assert await observe(client, known) == known
        assert await observe(client, Observed()) == Observed()

    with_client(nobody, look_again)


def test_a_node_that_joins_recompiles_only_what_names_nodes(
    kube: Kube, account: Path, tmp_path: Path, namespace: str
) -> None:
    kube.apply(*app(namespace, "agent"))
    kube.apply(graph(namespace, "shop", {"agent": {"calls": [{"nodes": True, "ports": [9100]}]}}))
    node = f"node-{namespace}"

    def callees() -> Any:
        found = policies(kube, namespace).get("agent", {"spec": {}})["spec"].get("egress", [])
        return {peer["ipBlock"]["cidr"] for rule in found for peer in rule["to"]}

    profile = tmp_path / "profile.yaml"
    profile.write_text(json.dumps(PROFILE))
    with operating(account, tmp_path, resync_seconds="0.5", profile=str(profile)) as alone:
        leading(alone)
        try:
            kube.call("POST", "/api/v1/nodes", {"metadata": {"name": node}})
            address = {"status": {"addresses": [{"type": "InternalIP", "address": "10.9.8.6"}]}}
            kube.call("PATCH", f"/api/v1/nodes/{node}/status", address, "application/merge-patch+json")
            eventually(lambda: "10.9.8.6/32" in callees(), "its address is a peer")
        finally:
            kube.call("DELETE", f"/api/v1/nodes/{node}")
        eventually(lambda: "10.9.8.6/32" not in callees(), "and is none any more")
        assert alone.stop() == 0
        assert "compiled anew" not in alone.text


def test_a_start_waits_for_workloads_that_are_asked_about(
    kube: Kube, control_plane: Cluster, account: Path, tmp_path: Path, namespace: str, audit: Audit
) -> None:
    labels = {"app": "old-style"}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(http=8080)}
    controller = {"metadata": {"name": "web"}, "spec": {"replicas": 0, "selector": labels, "template": template}}
    kube.call("POST", f"/api/v1/namespaces/{namespace}/replicationcontrollers", controller)
    workload = {"apiVersion": "v1", "kind": "ReplicationController", "name": "web"}
    kube.apply(graph(namespace, "shop", {"web": {"selects": [{"workload": workload}], "ports": [8080]}}))
    with operating(account, tmp_path, "before") as first:
        leading(first)
        eventually(lambda: settled(kube, namespace) and policies(kube, namespace), "it is isolated")
        assert first.stop() == 0
    before = policies(kube, namespace)
    audit.reset()
    with FaultProxy(control_plane) as proxy:
        busy = Fault(path="/scale", status=503, times=2)
        proxy.inject(busy)
        with operating(through(proxy.url, account, tmp_path), tmp_path, "after", resync_seconds="0.5") as second:
            leading(second)
            eventually(lambda: second.metric("servicegraph_reconcile_seconds_count") >= 3, "resyncs")
            assert proxy.hits(busy) == 2
            assert audit.writes(namespace, "networkpolicies") == []
            assert policies(kube, namespace) == before
