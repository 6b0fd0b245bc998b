"""The client of the API server: preconditions, errors, ends in time, and who it is."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import Selector
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.connection import Connection, Credentials, from_kubeconfig, in_cluster
from servicegraph.sources.scale import scale_selector
from tests.integration.clients import with_client
from tests.integration.existing import Target
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy


@pytest.fixture
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


def config_map(name: str = "one", **metadata: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata, "data": {"key": "value"}}


def maps(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def test_apply_creates_and_replaces_only_the_state_it_was_decided_on(cluster: Target, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        path = maps(namespace, "one")
        first = await client.apply(path, config_map())
        assert first["metadata"]["managedFields"][0]["manager"] == "servicegraph-operator"
        await client.merge(path, {"data": {"key": "changed"}})
        with pytest.raises(ApiError) as refused:
            await client.apply(path, config_map(resourceVersion=first["metadata"]["resourceVersion"]))
        assert (refused.value.status, refused.value.reason) == (409, "Conflict")
        live = await client.get(path)
        assert live["data"] == {"key": "changed"}
        await client.apply(path, config_map(resourceVersion=live["metadata"]["resourceVersion"]))
        assert (await client.get(path))["data"] == {"key": "value"}

    with_client(cluster.kubeconfig, scenario)


@pytest.mark.parametrize("wrong", ["uid", "resource_version"])
def test_delete_takes_only_what_was_meant(cluster: Target, namespace: str, wrong: str) -> None:
    async def scenario(client: ApiClient) -> None:
        path = maps(namespace, "one")
        metadata = (await client.create(maps(namespace), config_map()))["metadata"]
        right = {"uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}
        with pytest.raises(ApiError) as refused:
            await client.delete(path, **(right | {wrong: "1"}))
        assert refused.value.status == 409
        assert await client.get(path)
        await client.delete(path, **right)
        with pytest.raises(ApiError) as gone:
            await client.get(path)
        assert (gone.value.status, gone.value.reason) == (404, "NotFound")
        assert not gone.value.is_transient

    with_client(cluster.kubeconfig, scenario)


def test_what_the_api_server_refuses_is_said_in_its_words(cluster: Target, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        with pytest.raises(ApiError, match=r"422 Invalid: .*Not_A_Name"):
            await client.create(maps(namespace), config_map("Not_A_Name"))

    with_client(cluster.kubeconfig, scenario)


def test_a_slow_answer_is_given_up_in_time(
    control_plane: Cluster, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        connection = from_kubeconfig(proxy.kubeconfig(control_plane.token, tmp_path / "proxy"))
        async with ApiClient(connection, timeout=5.0) as client:
            await client.get(maps(namespace))
            proxy.inject(Fault(delay=20.0, times=1))
            with pytest.raises(ApiError, match=r"Timeout: GET .* had no answer in 5 s") as given_up:
                await client.get(maps(namespace))
            assert given_up.value.is_transient
            await client.get(maps(namespace))

    asyncio.run(scenario())


def test_no_api_server_is_an_error_that_passes(cluster: Target) -> None:
    async def scenario() -> None:
        nobody = Connection("http://127.0.0.1:9", Credentials(lambda: None))
        errors: list[ApiError] = []
        async with ApiClient(nobody, on_error=errors.append) as client:
            with pytest.raises(ApiError, match="Unreachable") as unreachable:
                await client.get("/version")
            assert (unreachable.value.status, unreachable.value.is_transient) == (0, True)
            with pytest.raises(ApiError, match="Unreachable"):
                await anext(client.watch("/api/v1/pods", resource_version="0", seconds=1, silence=1.0))
            assert [error.status for error in errors] == [0, 0]

    asyncio.run(scenario())


def test_credentials_that_cannot_be_had_are_an_error_that_passes(cluster: Target, namespace: str) -> None:
    def read() -> str:
        raise FileNotFoundError("the plugin is gone")

    async def scenario() -> None:
        connection = from_kubeconfig(cluster.kubeconfig)
        async with ApiClient(Connection(connection.server, Credentials(read), connection.tls)) as client:
            with pytest.raises(ApiError, match="the plugin is gone") as failed:
                await client.get(maps(namespace))
            assert failed.value.is_transient
            with pytest.raises(ApiError, match="the plugin is gone"):
                await anext(client.watch(maps(namespace), resource_version="0", seconds=1, silence=1.0))

    asyncio.run(scenario())


def test_a_busy_api_server_says_for_how_long(
    control_plane: Cluster, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> None:
    proxy.inject(Fault(status=429, retry_after=7, times=1))

    async def scenario(client: ApiClient) -> None:
        with pytest.raises(ApiError) as busy:
            await client.get(maps(namespace))
        assert (busy.value.status, busy.value.retry_after, busy.value.is_transient) == (429, 7.0, True)

    with_client(proxy.kubeconfig(control_plane.token, tmp_path / "proxy"), scenario)


def test_no_more_writes_are_under_way_than_allowed(
    control_plane: Cluster, proxy: FaultProxy, namespace: str, tmp_path: Path
) -> None:
    proxy.inject(Fault(methods=frozenset({"POST"}), delay=0.5))

    async def scenario() -> None:
        connection = from_kubeconfig(proxy.kubeconfig(control_plane.token, tmp_path / "proxy"))
        async with ApiClient(connection, in_flight=2) as client:
            loop = asyncio.get_running_loop()
            began = loop.time()
            await asyncio.gather(*(client.create(maps(namespace), config_map(f"m{n}")) for n in range(6)))
            assert loop.time() - began >= 1.5

    asyncio.run(scenario())


def test_a_token_that_was_rotated_is_read_again(cluster: Target, namespace: str) -> None:
    async def scenario() -> None:
        connection = from_kubeconfig(cluster.kubeconfig)
        good = await connection.credentials.header()
        headers = iter(["Bearer expired", good])
        rotating = Connection(connection.server, Credentials(lambda: next(headers)), connection.tls)
        async with ApiClient(rotating) as client:
            await client.get(maps(namespace))
            await client.get(maps(namespace))

    asyncio.run(scenario())


def test_a_watch_that_was_refused_is_asked_for_with_a_fresh_token(cluster: Target, namespace: str) -> None:
    async def scenario() -> None:
        connection = from_kubeconfig(cluster.kubeconfig)
        good = await connection.credentials.header()
        headers = iter(["Bearer expired", good])
        rotating = Connection(connection.server, Credentials(lambda: next(headers)), connection.tls)

        async def began(client: ApiClient) -> bool:
            watch = client.watch(maps(namespace), resource_version="", seconds=30, silence=30)
            async with aclosing(watch):
                return await anext(watch) == []

        async with ApiClient(rotating) as client:
            with pytest.raises(ApiError, match="401 Unauthorized"):
                await began(client)
            assert await began(client)

    asyncio.run(scenario())


def test_a_token_that_stays_wrong_is_refused_once_and_for_all(cluster: Target, namespace: str) -> None:
    async def scenario() -> None:
        connection = from_kubeconfig(cluster.kubeconfig)
        stranger = Connection(connection.server, Credentials(lambda: "Bearer wrong"), connection.tls)
        async with ApiClient(stranger) as client:
            with pytest.raises(ApiError, match="401 Unauthorized"):
                await client.get(maps(namespace))

    asyncio.run(scenario())


def test_a_pod_is_its_service_account(
    control_plane: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = urlsplit(control_plane.server)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    eventually(lambda: control_plane.request("GET", account)[0] == 200, "the ServiceAccount is there")
    status, answer = control_plane.request("POST", f"{account}/token", {"spec": {"expirationSeconds": 3600}})
    assert status == 201, answer
    (tmp_path / "token").write_text(answer["status"]["token"] + "\n")
    (tmp_path / "ca.crt").write_text(control_plane.ca)
    (tmp_path / "namespace").write_text(namespace)

    async def scenario() -> None:
        connection = in_cluster(tmp_path)
        assert connection.namespace == namespace
        async with ApiClient(connection) as client:
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            found = await client.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
            assert found["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"

    asyncio.run(scenario())


def test_an_exec_plugin_says_who_one_is(control_plane: Cluster, namespace: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    shutil.copy(control_plane.kubeconfig, kubeconfig)
    config = json.loads(kubeconfig.read_text())
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": control_plane.token},
    }
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "echo",
        "args": [json.dumps(credential)],
        "interactiveMode": "Never",
    }
    config["users"][0]["user"] = {"exec": plugin}
    kubeconfig.write_text(json.dumps(config))

    async def scenario(client: ApiClient) -> None:
        assert (await client.get(maps(namespace)))["kind"] == "ConfigMapList"

    with_client(kubeconfig, scenario)


def test_the_pods_of_any_scalable_kind_are_known(cluster: Target, namespace: str) -> None:
    labels = {"app": "search", "tier": "back"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}

    async def scenario(client: ApiClient) -> None:
        await client.create(
            f"/apis/apps/v1/namespaces/{namespace}/deployments", {"metadata": {"name": "a"}, "spec": spec}
        )
        found = await scale_selector(client, WorkloadKey(namespace, "apps", "Deployment", "a"))
        assert found == Selector.from_labels(labels)
        for missing in (
            WorkloadKey(namespace, "apps", "Deployment", "b"),
            WorkloadKey(namespace, "apps", "Thing", "a"),
            WorkloadKey(namespace, "apps", "DaemonSet", "a"),
            WorkloadKey(namespace, "example.dev", "Thing", "a"),
        ):
            assert await scale_selector(client, missing) is None

    with_client(cluster.kubeconfig, scenario)
