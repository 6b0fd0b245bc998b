"""The real API servers that integration tests run against."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.existing import ExistingCluster, Target
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
    name = f"test-{secrets.token_hex(4)}"
    status, answer = cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert status == 201, answer
    yield name
    status, answer = cluster.request("DELETE", f"/api/v1/namespaces/{name}")
    assert status in (200, 202, 404), answer
