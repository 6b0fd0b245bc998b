"""The Helm chart: the same objects as kustomize's, and an uninstall that leaves graphs and isolation."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import ROOT
from tests.integration.kustomize import build
from tests.integration.operators import SYSTEM
from tests.integration.test_config import found, kubectl
from tools.cluster import running
from tools.cluster.kind.programs import HELM, built

CHART, CONFIG = ROOT / "config" / "helm", ROOT / "config"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/servicegraphs.servicegraph.dev"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/servicegraph-operator"
KEPT = {"helm.sh/resource-policy": "keep", "argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
NAMED = ("--set", "namespaces={shop}", "--set", "crd=false", "--set", "userRoles=false")

Object = dict[str, Any]


@pytest.fixture(scope="module")
def program() -> Path:
    return built(HELM) / "helm"


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def helm(program: Path, *arguments: str | Path) -> str:
    done = run(program, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def template(program: Path, *arguments: str | Path, chart: Path = CHART) -> list[Object]:
    """The objects of the chart."""
    where = ("--namespace", SYSTEM, "--kube-version", "1.36")
    printed = helm(program, "template", "servicegraph", chart, *where, *arguments)
    return [document for document in yaml.safe_load_all(printed) if document]


def comparable(objects: list[Object]) -> dict[tuple[str, str, str], Object]:
    """By kind, namespace and name, less what the two ways have to do differently.

    Helm makes the namespace of a release itself. Each hashes the profile in its own way. Helm deletes what a release
    has but is not told to keep. The order of variables means nothing here.
    """
    wanted = [made for made in objects if made["kind"] != "Namespace"]
    for made in wanted:
        if made["kind"] == "ConfigMap":
            unhash(made["metadata"])
        if made["kind"] == "CustomResourceDefinition":
            assert made["metadata"].pop("annotations", None) in (None, KEPT)
        if made["kind"] == "Deployment":
            pod = made["spec"]["template"]["spec"]
            unhash(pod["volumes"][0]["configMap"])
            pod["containers"][0]["env"].sort(key=lambda variable: variable["name"])
    index = {(made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"]): made for made in wanted}
    assert len(index) == len(wanted)
    return index


def unhash(named: Object) -> None:
    named["name"] = named["name"].rpartition("-")[0]


def test_the_chart_passes_its_lint(program: Path) -> None:
    helm(program, "lint", "--strict", CHART)
    helm(program, "lint", "--strict", CHART, *NAMED)


def test_the_chart_installs_what_kustomize_does(program: Path) -> None:
    assert comparable(template(program)) == comparable([*build(CONFIG / "default"), *build(CONFIG / "crd")])


def test_the_chart_means_the_same_when_packed(program: Path, tmp_path: Path) -> None:
    helm(program, "package", CHART, "--destination", tmp_path)
    (packed,) = tmp_path.iterdir()
    assert comparable(template(program, chart=packed)) == comparable(template(program))


def test_the_crd_is_kept_whoever_installs_the_chart(program: Path) -> None:
    (crd,) = (found for found in template(program) if found["kind"] == "CustomResourceDefinition")
    assert crd["metadata"]["annotations"] == KEPT


def test_for_named_namespaces_the_chart_installs_what_kustomize_does(program: Path) -> None:
    assert comparable(template(program, *NAMED)) == comparable(build(CONFIG / "namespaced"))


def test_the_deployment_mounts_the_profile_that_is_given_and_rolls_with_it(program: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("    # Ours\napiVersion: servicegraph.dev/v1alpha1\nkind: ClusterProfile\nengine: Cilium\n")
    names = set()
    for arguments in ((), ("--set-file", f"profile={profile}")):
        objects = template(program, *arguments)
        (config,) = (found for found in objects if found["kind"] == "ConfigMap")
        (deployment,) = (found for found in objects if found["kind"] == "Deployment")
        (volume,) = deployment["spec"]["template"]["spec"]["volumes"]
        assert volume["configMap"]["name"] == config["metadata"]["name"]
        names.add(config["metadata"]["name"])
    assert len(names) == 2
    assert config["data"]["profile.yaml"] == profile.read_text()


def test_values_reach_the_deployment(program: Path) -> None:
    objects = template(
        program,
        *("--set", "image.repository=registry.example.com/platform/servicegraph", "--set", "image.tag=1.2.3"),
        *("--set", "imagePullSecrets[0].name=pull", "--set", "replicas=1", "--set", "env.SERVICEGRAPH_LOG_LEVEL=debug"),
        *("--set", "nodeSelector.pool=infra", "--set", "tolerations[0].operator=Exists"),
    )
    (spec,) = (found["spec"] for found in objects if found["kind"] == "Deployment")
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["replicas"] == 1
    assert container["image"] == "registry.example.com/platform/servicegraph:1.2.3"
    assert {"name": "SERVICEGRAPH_LOG_LEVEL", "value": "debug"} in container["env"]
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert pod["nodeSelector"] == {"pool": "infra"}
    assert pod["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize(
    "wrong", ["replica=3", "env.SERVICEGRAPH_NAMESPACES=shop", "env.LOG_LEVEL=debug", "namespaces={Shop}", "profile="]
)
def test_values_that_mean_nothing_are_refused(program: Path, wrong: str) -> None:
    done = run(program, "template", CHART, "--kube-version", "1.36", "--set", wrong)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def test_an_uninstall_keeps_the_resource_and_its_graphs(program: Path) -> None:
    with running(name="helm") as cluster:
        to = ("--kubeconfig", cluster.kubeconfig, "--namespace", SYSTEM)
        helm(program, "install", "servicegraph", CHART, *to, "--create-namespace")
        kubectl(cluster, "wait", "--for=condition=Established", "crd/servicegraphs.servicegraph.dev")
        kubectl(cluster, "create", "namespace", "shop")
        kubectl(cluster, "apply", "--server-side", "-k", CONFIG / "samples")

        helm(program, "upgrade", "servicegraph", CHART, *to, "--set", "replicas=1")
        assert found(cluster, DEPLOYMENT)["spec"]["replicas"] == 1
        helm(program, "uninstall", "servicegraph", *to, "--wait")

        assert cluster.request("GET", DEPLOYMENT)[0] == 404
        assert found(cluster, CRD)["metadata"]["name"]
        graph = "/apis/servicegraph.dev/v1alpha1/namespaces/shop/servicegraphs/shop"
        assert "deletionTimestamp" not in found(cluster, graph)["metadata"]
        helm(program, "install", "servicegraph", CHART, *to)
