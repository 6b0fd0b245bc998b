"""The real API servers that integration tests run against."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.existing import ExistingCluster, Target, throw_away
from tests.integration.kube import Audit, Kube
from tests.integration.look import complete
from tests.integration.operators import USER, Operator, install, leading, operating
from tests.integration.world import SHOP, app, graph
from tests.waiting import eventually
from tools.cluster import Cluster, running

EXISTING = "SERVICEGRAPH_TEST_KUBECONFIG"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """An embedded control plane, started once per run. Tests may restart, compact and starve it, and heal it again."""
    with running(name="tests") as one:
        yield one


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Target:
    """The cluster for tests that disturb nothing but their own namespace: embedded, or the one that is named."""
    if named := os.environ.get(EXISTING):
        return ExistingCluster(Path(named))
    found: Cluster = request.getfixturevalue("control_plane")
    return found


@pytest.fixture
def namespace(cluster: Target) -> Iterator[str]:
    """A namespace for one test, empty at first and gone afterwards."""
    with throw_away(cluster) as name:
        yield name


@pytest.fixture
def neighbour(cluster: Target) -> Iterator[str]:
    """Another one."""
    with throw_away(cluster) as name:
        yield name


@pytest.fixture(scope="session")
def kube(control_plane: Cluster) -> Kube:
    """The embedded control plane's administrator."""
    return Kube(control_plane.kubeconfig)


@pytest.fixture(scope="session")
def account(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig of the operator's ServiceAccount, with everything installed that it needs."""
    return install(kube, tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def operator(account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that leads for all tests of a module. Tests that stop theirs start one of their own instead."""
    with operating(account, tmp_path_factory.mktemp("operator")) as running:
        yield leading(running)


@pytest.fixture
def audit(control_plane: Cluster) -> Audit:
    """What the operator writes during a test."""
    assert control_plane.audit_log is not None
    return Audit(control_plane.audit_log, USER)


@pytest.fixture
def shop(kube: Kube, operator: Operator, namespace: str) -> str:
    """A namespace with the shop and its policies."""
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: complete(kube, namespace), "the shop is Ready, all of it")
    return namespace
