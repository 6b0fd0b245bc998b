"""A kubeconfig that cannot be used is said to be so, and why."""

import asyncio
import json
from pathlib import Path

import pytest

from servicegraph.sources import connection
from servicegraph.sources.connection import ConnectionConfigError, Credentials, connect, from_kubeconfig, in_cluster

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "one", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {"token": "secret"}}],
    "contexts": [
        {"name": "plain", "context": {"cluster": "one", "user": "me"}},
        {"name": "shop", "context": {"cluster": "one", "user": "me", "namespace": "shop"}},
    ],
    "current-context": "plain",
}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(json.dumps(CONFIG))
    return path


def test_a_context_says_where_and_who(kubeconfig: Path) -> None:
    found = from_kubeconfig(kubeconfig)
    assert (found.server, found.namespace, found.tls) == ("http://127.0.0.1:1", "default", None)
    assert asyncio.run(found.credentials.header()) == "Bearer secret"
    assert from_kubeconfig(kubeconfig, "shop").namespace == "shop"


def test_inside_a_pod_a_kubeconfig_still_wins(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert connect(kubeconfig).server == "http://127.0.0.1:1"
    with pytest.raises(ConnectionConfigError, match="ServiceAccount"):
        connect()


@pytest.mark.parametrize("content", ["", "[]", "{", "a: b", "just text", "\x00"])
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken"
    path.write_text(content)
    with pytest.raises(ConnectionConfigError, match=str(path)):
        from_kubeconfig(path)


def test_a_file_or_context_that_is_not_there(tmp_path: Path, kubeconfig: Path) -> None:
    with pytest.raises(ConnectionConfigError, match="missing"):
        from_kubeconfig(tmp_path / "missing")
    with pytest.raises(ConnectionConfigError, match="nowhere"):
        from_kubeconfig(kubeconfig, "nowhere")


def test_an_authority_that_is_none(tmp_path: Path, kubeconfig: Path) -> None:
    config = json.loads(kubeconfig.read_text())
    config["clusters"][0]["cluster"] = {"server": "https://127.0.0.1:1", "certificate-authority-data": "bm9uZQ=="}
    kubeconfig.write_text(json.dumps(config))
    with pytest.raises(ConnectionConfigError, match=str(kubeconfig)):
        from_kubeconfig(kubeconfig)


def test_no_service_account_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    with pytest.raises(ConnectionConfigError, match="automountServiceAccountToken"):
        in_cluster(tmp_path)


def test_credentials_are_read_again_when_old_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = iter(["one", "two", "three", "four"])

    async def scenario() -> None:
        credentials = Credentials(lambda: next(reads))
        assert await credentials.header() == "one"
        assert await credentials.header() == "one"
        assert await credentials.header(refused="one") == "two"
        assert await credentials.header(refused="one") == "two"
        monkeypatch.setattr(connection, "REREAD_SECONDS", -1.0)
        assert await credentials.header() == "three"

    asyncio.run(scenario())
