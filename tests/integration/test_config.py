"""What config/ installs, on a real API server: what is admitted, who may do what, and what an uninstall leaves."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.sources.profile import read_profile
from tests.contract import ROOT
from tests.integration.access import VERBS, may, permissions
from tests.integration.kube import Kube
from tests.integration.kustomize import build, of_kind
from tests.integration.operators import ACCOUNT, SYSTEM, USER, kubeconfig_of, operating
from tests.waiting import SECONDS, eventually
from tools.cluster import Cluster, running
from tools.cluster.toolchain import find_kubectl

CONFIG = ROOT / "config"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"

GRAPHS = ("servicegraph.dev", "servicegraphs")
READ = {"get", "list", "watch"}
COMPILED = {
    "servicegraphs.servicegraph.dev",
    "services",
    "endpointslices.discovery.k8s.io",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
    "jobs.batch",
    "cronjobs.batch",
}
SCALES = {
    "deployments.apps/scale",
    "replicasets.apps/scale",
    "replicationcontrollers/scale",
    "statefulsets.apps/scale",
}
IN_A_SERVED_NAMESPACE = {
    **dict.fromkeys(COMPILED, READ),
    **{key: {"get"} for key in SCALES},
    "pods": {"list"},
    "networkpolicies.networking.k8s.io": READ | {"create", "patch", "delete"},
    "servicegraphs.servicegraph.dev/status": {"patch"},
    "events.events.k8s.io": {"create"},
}
OF_THE_CLUSTER = {"namespaces": READ, "nodes": READ, "servicecidrs.networking.k8s.io": READ}
LEASES = {"leases.coordination.k8s.io": {"create"}}


def kubectl_says(cluster: Cluster, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [find_kubectl(), "--kubeconfig", cluster.kubeconfig, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def kubectl(cluster: Cluster, *arguments: str | Path) -> str:
    done = kubectl_says(cluster, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def the_pod(objects: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """The pod's spec, the variables that it is given, and the ConfigMap that it mounts."""
    (deployment,) = of_kind(objects, "Deployment")
    (config,) = of_kind(objects, "ConfigMap")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["volumes"][0]["configMap"]["name"] == config["metadata"]["name"]
    return pod, {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}, config


def found(cluster: Cluster, path: str) -> Any:
    status, answer = cluster.request("GET", path)
    assert status == 200, answer
    return answer


@pytest.fixture(scope="module")
def machine() -> Iterator[Cluster]:
    """A control plane of their own: these tests install and uninstall for the whole cluster."""
    with running(name="config") as cluster:
        kubectl(cluster, "apply", "--server-side", "-k", CONFIG / "crd")
        kubectl(cluster, "wait", "--for=condition=Established", "crd/servicegraphs.servicegraph.dev")
        kubectl(cluster, "create", "namespace", "shop")
        kubectl(cluster, "create", "namespace", "elsewhere")
        yield cluster


@pytest.fixture(scope="module")
def installed(machine: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The variant that a test names, as the documentation says to install it."""
    kubectl(machine, "apply", "--server-side", "-k", CONFIG / request.param)
    yield machine
    kubectl(machine, "delete", "--ignore-not-found", "--wait", "-k", CONFIG / request.param)


def whole_cluster(test: Any) -> Any:
    return pytest.mark.parametrize("installed", ["default"], indirect=True)(test)


def named_namespaces(test: Any) -> Any:
    return pytest.mark.parametrize("installed", ["namespaced"], indirect=True)(test)


def either(test: Any) -> Any:
    return pytest.mark.parametrize("installed", ["default", "namespaced"], indirect=True)(test)


@whole_cluster
def test_the_operator_may_do_in_any_namespace_what_it_needs_and_nothing_else(installed: Cluster) -> None:
    assert permissions(installed, USER, "elsewhere") == IN_A_SERVED_NAMESPACE
    assert permissions(installed, USER, SYSTEM) == IN_A_SERVED_NAMESPACE | LEASES
    assert permissions(installed, USER, "") == OF_THE_CLUSTER


@named_namespaces
def test_with_named_namespaces_the_operator_may_do_nothing_elsewhere(installed: Cluster) -> None:
    assert permissions(installed, USER, "shop") == IN_A_SERVED_NAMESPACE
    assert permissions(installed, USER, "elsewhere") == {}
    assert permissions(installed, USER, SYSTEM) == LEASES
    assert permissions(installed, USER, "") == {}


@either
def test_the_operator_renews_its_own_lease_only(installed: Cluster) -> None:
    for verb in ("get", "update"):
        lease = (installed, USER, SYSTEM, ("coordination.k8s.io", "leases"), verb)
        assert may(*lease, "servicegraph-operator")
        assert not may(*lease, "another")


@whole_cluster
def test_an_editor_of_graphs_writes_graphs_and_neither_their_status_nor_policies(installed: Cluster) -> None:
    kubectl(
        installed, "create", "rolebinding", "tenant", "-n", "shop", "--clusterrole=servicegraph-editor", "--user=eve"
    )
    eventually(lambda: may(installed, "eve", "shop", GRAPHS, "create"))
    granted = {"servicegraphs.servicegraph.dev": set(VERBS), "servicegraphs.servicegraph.dev/status": {"get"}}
    assert permissions(installed, "eve", "shop") == granted
    assert permissions(installed, "eve", "elsewhere") == {}


@whole_cluster
def test_a_viewer_of_graphs_reads_them(installed: Cluster) -> None:
    kubectl(
        installed, "create", "rolebinding", "guest", "-n", "shop", "--clusterrole=servicegraph-viewer", "--user=vic"
    )
    eventually(lambda: may(installed, "vic", "shop", GRAPHS, "list"))
    granted = {"servicegraphs.servicegraph.dev": READ, "servicegraphs.servicegraph.dev/status": READ}
    assert permissions(installed, "vic", "shop") == granted


@whole_cluster
def test_the_built_in_edit_role_writes_no_graphs(installed: Cluster) -> None:
    kubectl(installed, "create", "rolebinding", "dev", "-n", "shop", "--clusterrole=edit", "--user=dan")
    eventually(lambda: may(installed, "dan", "shop", ("apps", "deployments"), "create"))
    assert not may(installed, "dan", "shop", GRAPHS, "create")


@whole_cluster
def test_admission_holds_the_operators_token_to_policies_of_its_names(installed: Cluster, tmp_path: Path) -> None:
    """Not by owner or label: those are the writer's to choose."""

    def written(name: str, *user: str) -> str:
        policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}}
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({**policy, "spec": {"podSelector": {}}}))
        return kubectl_says(installed, "apply", "--server-side", "-n", "elsewhere", "-f", file, *user).stderr

    token = f"--as={USER}"
    assert not written("theirs")
    assert not written("another", token)
    kubectl(installed, "apply", "--server-side", "-k", CONFIG / "admission")
    try:
        eventually(lambda: "named sg-… only" in written("a-third", token), "the policy is in force")
        assert not written("sg-search", token)
        deleted = kubectl_says(installed, "delete", "networkpolicy", "-n", "elsewhere", "theirs", token)
        assert "named sg-… only" in deleted.stderr
        kubectl(installed, "delete", "networkpolicy", "-n", "elsewhere", "sg-search", token)
        assert not written("a-third"), "others are not concerned"
    finally:
        kubectl(installed, "delete", "-k", CONFIG / "admission")
        kubectl(installed, "delete", "networkpolicies", "-n", "elsewhere", "--all")


@either
def test_the_pods_are_admitted_to_a_namespace_that_enforces_the_restricted_profile(installed: Cluster) -> None:
    labels = found(installed, f"/api/v1/namespaces/{SYSTEM}")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = f"/api/v1/namespaces/{SYSTEM}/pods"
    eventually(lambda: len(found(installed, pods)["items"]) == 2, "two pods of the Deployment")
    for pod in found(installed, pods)["items"]:
        assert pod["spec"]["priority"] > 0
        assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"]

    template = found(installed, f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/servicegraph-operator")["spec"][
        "template"
    ]
    template["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose"}, "spec": template["spec"]}
    status, answer = installed.request("POST", f"{pods}?dryRun=All", pod)
    assert status == 403, answer
    assert "restricted" in answer["message"]


@named_namespaces
def test_the_operator_serves_named_namespaces_with_their_roles_alone(installed: Cluster, tmp_path: Path) -> None:
    _, variables, config = the_pod(build(CONFIG / "namespaced"))
    profile = tmp_path / "profile.yaml"
    profile.write_text(config["data"]["profile.yaml"])
    account = kubeconfig_of(Kube(installed.kubeconfig), SYSTEM, ACCOUNT, tmp_path)
    kubectl(installed, "apply", "--server-side", "-k", CONFIG / "samples")

    with operating(
        account, tmp_path, namespaces=variables["SERVICEGRAPH_NAMESPACES"], profile=str(profile)
    ) as operator:
        kubectl(
            installed, "wait", "--for=condition=Ready", f"--timeout={SECONDS:.0f}s", "-n", "shop", "servicegraph/shop"
        )
        assert len(found(installed, POLICIES)["items"]) == 3
        assert operator.answers("/readyz") == "ok\n"
    kubectl(installed, "delete", "servicegraph", "shop", "-n", "shop")
    eventually(lambda: not found(installed, POLICIES)["items"], "garbage collection")


@named_namespaces
def test_the_operator_is_told_the_namespaces_that_its_roles_are_in(installed: Cluster) -> None:
    _, variables, _ = the_pod(build(CONFIG / "namespaced"))
    bindings = found(installed, "/apis/rbac.authorization.k8s.io/v1/rolebindings")["items"]
    bound = {b["metadata"]["namespace"] for b in bindings if b["roleRef"]["name"] == ACCOUNT}
    assert bound == set(variables["SERVICEGRAPH_NAMESPACES"].split(","))


def test_an_uninstall_leaves_graphs_and_isolation(machine: Cluster) -> None:
    kubectl(machine, "apply", "--server-side", "-k", CONFIG / "default")
    kubectl(machine, "apply", "--server-side", "-k", CONFIG / "samples")
    graphs = "/apis/servicegraph.dev/v1alpha1/namespaces/shop/servicegraphs"
    graph = found(machine, f"{graphs}/shop")
    owner = {"apiVersion": graph["apiVersion"], "kind": graph["kind"], "name": "shop", "uid": graph["metadata"]["uid"]}
    policy = {"metadata": {"name": "sg-shop", "ownerReferences": [owner]}, "spec": {"podSelector": {}}}
    status, answer = machine.request("POST", POLICIES, policy)
    assert status == 201, answer

    kubectl(machine, "delete", "--wait", "-k", CONFIG / "default")

    assert found(machine, f"{graphs}/shop")["metadata"]["uid"] == graph["metadata"]["uid"]
    assert "deletionTimestamp" not in found(machine, f"{POLICIES}/sg-shop")["metadata"]
    roles = found(machine, "/apis/rbac.authorization.k8s.io/v1/clusterroles")["items"]
    assert not [role["metadata"]["name"] for role in roles if "servicegraph" in role["metadata"]["name"]]
    kubectl(machine, "delete", "servicegraph", "shop", "-n", "shop")


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    """The overlays of docs/install.md, beside a checkout."""
    page = (ROOT / "docs" / "install.md").read_text()
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "servicegraph").symlink_to(ROOT)
    return tmp_path


def test_the_overlay_of_the_documentation_sets_image_and_profile(overlays: Path) -> None:
    pod, _, config = the_pod(build(overlays / "overlay"))
    assert pod["containers"][0]["image"] == "registry.example.com/platform/servicegraph:0.1.0"
    assert config["data"]["profile.yaml"] == (overlays / "overlay" / "profile.yaml").read_text()
    _, _, ours = the_pod(build(CONFIG / "default"))
    assert config["metadata"]["name"] != ours["metadata"]["name"]
    read_profile(str(overlays / "overlay" / "profile.yaml"))


def test_the_overlay_of_the_documentation_for_named_namespaces_gives_each_its_role(overlays: Path) -> None:
    objects = build(overlays / "tenants")
    _, variables, _ = the_pod(objects)
    bound = [b["metadata"]["namespace"] for b in of_kind(objects, "RoleBinding") if b["roleRef"]["name"] == ACCOUNT]
    assert sorted(bound) == variables["SERVICEGRAPH_NAMESPACES"].split(",") == ["bank", "payments"]
    assert not of_kind(objects, "ClusterRole")


def test_what_monitors_the_operator_finds_it() -> None:
    objects = build(CONFIG / "monitoring")
    (monitor,), (rule,) = of_kind(objects, "ServiceMonitor"), of_kind(objects, "PrometheusRule")
    (service,) = of_kind(build(CONFIG / "default"), "Service")
    assert monitor["metadata"]["namespace"] == rule["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert rule["spec"] == yaml.safe_load((CONFIG / "monitoring" / "rules.yaml").read_text())
    (config,) = of_kind(objects, "ConfigMap")
    assert config["data"]["servicegraph.json"] == (CONFIG / "monitoring" / "dashboard.json").read_text()
