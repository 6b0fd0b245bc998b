"""config/argocd/root.yaml on an empty cluster: the CRD, then the operator, and graphs once the operator runs.

There is no node: that pods run, their status is told as a kubelet would tell it; the operator is a process beside.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.contract import ROOT
from tests.gitops.applications import CONFIG, Application, load
from tests.gitops.conftest import COMPONENTS
from tests.gitops.repository import Repository
from tests.integration.kube import MERGE, Kube, audit_entries, path_of
from tests.integration.look import policies, settled
from tests.integration.operators import ACCOUNT, SYSTEM, kubeconfig_of, leading, operating
from tests.waiting import eventually
from tools.cluster import Cluster, argocd, running
from tools.cluster.argocd import ArgoCD
from tools.cluster.argocd.commands import NAMESPACE

HERE = ("config", "crds", "examples/shop")
"""What Argo CD reads of this repository."""

KUBE_DNS = ROOT / "tools" / "demo" / "kube-dns.yaml"
RUNNING = {
    "phase": "Running",
    "podIP": "10.244.0.9",
    "podIPs": [{"ip": "10.244.0.9"}],
    "conditions": [{"type": "Ready", "status": "True"}],
}


@pytest.fixture(scope="module")
def empty() -> Iterator[Cluster]:
    """A cluster in which nothing of ours was ever installed."""
    with running(name="waves") as one:
        yield one


@pytest.fixture(scope="module")
def argo(empty: Cluster) -> Iterator[ArgoCD]:
    with argocd.running(empty, components=COMPONENTS, resync_seconds=1) as one:
        yield one


@pytest.fixture
def kube(empty: Cluster) -> Kube:
    return Kube(empty.kubeconfig)


@pytest.fixture
def repository(argo: ArgoCD, tmp_path: Path) -> Repository:
    """This repository, as it is, but for the address that its Applications name."""
    made = Repository(argo.repositories / "servicegraph.git", argo.url("servicegraph"), tmp_path / "servicegraph")
    found = (path for folder in HERE for path in (ROOT / folder).rglob("*") if path.is_file())
    files = {str(path.relative_to(ROOT)): path.read_text() for path in found}
    for name in files:
        if name.startswith("config/argocd/applications/") and "repoURL" in files[name]:
            application = yaml.safe_load(files[name])
            application["spec"]["source"]["repoURL"] = made.url
            files[name] = yaml.safe_dump(application)
        elif name == "config/argocd/applications/shop-project.yaml":
            project = yaml.safe_load(files[name])
            project["spec"]["sourceRepos"] = [made.url]
            files[name] = yaml.safe_dump(project)
    made.commit(files)
    return made


def created(cluster: Cluster) -> list[str]:
    """What Argo CD has created, in the order in which the API server took it."""
    assert cluster.audit_log is not None
    mine = (
        e
        for e in audit_entries(cluster.audit_log)
        if e["user"]["username"] == ArgoCD.user and e["stage"] == "ResponseComplete"
    )
    return [
        f"{entry['objectRef']['resource']}/{entry['objectRef']['name']}"
        for entry in mine
        if entry["responseStatus"]["code"] == 201 and "name" in entry["objectRef"]
    ]


def run_operators_pods(kube: Kube) -> None:
    """Say of the operator's pods what a kubelet would say."""
    for pod in kube.list("Pod", SYSTEM):
        kube.call("PATCH", path_of("Pod", SYSTEM, pod["metadata"]["name"]) + "/status", {"status": RUNNING}, MERGE)


def test_graphs_come_once_the_operator_runs(empty: Cluster, kube: Kube, repository: Repository, tmp_path: Path) -> None:
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    kube.apply(load(KUBE_DNS), *yaml.safe_load_all((ROOT / "examples" / "shop" / "app.yaml").read_text()))
    root = load(CONFIG / "root.yaml")
    root["spec"]["source"]["repoURL"] = repository.url
    kube.apply(root)

    waiting = "waiting for healthy state of argoproj.io/Application/servicegraph"
    eventually(
        lambda: waiting in Application(kube, "servicegraph-root").operation.get("message", ""),
        "the root waits for the operator",
    )
    eventually(lambda: Application(kube, "servicegraph").health_of("Deployment", ACCOUNT)[0] == "Progressing")
    assert kube.get("Application", NAMESPACE, "shop") is None

    with operating(kubeconfig_of(kube, SYSTEM, ACCOUNT, tmp_path), tmp_path) as operator:
        leading(operator)
        eventually(lambda: len(kube.list("Pod", SYSTEM)) == 2, "the operator's pods are wanted")
        run_operators_pods(kube)
        eventually(lambda: Application(kube, "servicegraph-root").health == "Healthy", "all of it is there")
        eventually(lambda: Application(kube, "shop").health == "Healthy", "the graphs are followed")
        assert settled(kube, "shop")
        assert policies(kube, "shop").keys() == {"frontend", "search", "database"}

    wanted = [
        "customresourcedefinitions/servicegraphs.servicegraph.dev",
        f"deployments/{ACCOUNT}",
        "applications/shop",
        "servicegraphs/shop",
    ]
    assert [one for one in created(empty) if one in wanted] == wanted
