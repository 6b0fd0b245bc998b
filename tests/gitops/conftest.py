"""A control plane with Argo CD and the operator, each with the rights that its own manifests give it and no more."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.gitops.applications import CONFIG, Application, graphs_of
from tests.gitops.repository import Repository
from tests.integration.existing import throw_away
from tests.integration.kube import Audit, Kube, Object
from tests.integration.operators import USER, Operator, install, leading, operating
from tools.cluster import Cluster, argocd, running
from tools.cluster.argocd import ArgoCD
from tools.cluster.argocd.commands import NAMESPACE

COMPONENTS = [CONFIG / "health", CONFIG / "waves"]
PROGRAMS = Path(sys.executable).parent
"""Where the program `servicegraph` is."""


@dataclass(frozen=True)
class Team:
    """A namespace whose graphs are in git: in the folder of its name, which an Application of its name follows."""

    kube: Kube
    namespace: str
    repository: Repository
    application: Application

    @property
    def folder(self) -> Path:
        """Its folder in the clone."""
        return self.repository.clone / self.namespace

    def commit(self, *graphs: Object) -> str:
        """Commit these graphs and no others: the revision."""
        content = yaml.safe_dump_all(graphs, sort_keys=False)
        return self.repository.commit({f"{self.namespace}/servicegraph.yaml": content})


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running(name="gitops") as one:
        yield one


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Kube:
    """Its administrator."""
    return Kube(cluster.kubeconfig)


@pytest.fixture(scope="session")
def argo(cluster: Cluster) -> Iterator[ArgoCD]:
    """Argo CD with all that config/argocd has for it."""
    plugin = CONFIG / "plugin" / "plugin.yaml"
    with argocd.running(cluster, components=COMPONENTS, plugin=plugin, programs=[PROGRAMS], resync_seconds=1) as one:
        yield one


@pytest.fixture(scope="session")
def operator(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that leads, and compares everything again every half second."""
    folder = tmp_path_factory.mktemp("operator")
    with operating(install(kube, folder), folder, resync_seconds="0.5") as one:
        yield leading(one)


@pytest.fixture(scope="session")
def repository(argo: ArgoCD, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(argo.repositories / "graphs.git", argo.url("graphs"), tmp_path_factory.mktemp("git") / "graphs")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace for one test, empty at first and gone afterwards."""
    with throw_away(cluster) as name:
        yield name


@pytest.fixture
def neighbour(cluster: Cluster) -> Iterator[str]:
    """Another one."""
    with throw_away(cluster) as name:
        yield name


@pytest.fixture
def team(kube: Kube, operator: Operator, repository: Repository, namespace: str) -> Iterator[Team]:
    """A team with nothing in git yet."""
    kube.apply(*graphs_of(namespace, repository.url))
    yield Team(kube, namespace, repository, Application(kube, namespace))
    kube.delete("Application", NAMESPACE, namespace)
    kube.delete("AppProject", NAMESPACE, namespace)


@pytest.fixture
def operators_writes(cluster: Cluster) -> Audit:
    """What the operator writes during a test."""
    assert cluster.audit_log is not None
    return Audit(cluster.audit_log, USER)


@pytest.fixture
def argos_writes(cluster: Cluster) -> Audit:
    """What Argo CD writes during a test."""
    assert cluster.audit_log is not None
    return Audit(cluster.audit_log, ArgoCD.user)
