"""The list-watch against a real API server: it sees every change once, whatever fails in between."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from servicegraph.model.cluster import Service, Workload
from servicegraph.model.refs import ServiceKey, WorkloadKey
from servicegraph.sources import listwatch
from servicegraph.sources.api import ApiClient
from servicegraph.sources.listwatch import ListWatch
from servicegraph.sources.objects import SERVICES, WORKLOADS
from tests.integration.clients import with_client
from tests.waiting import SECONDS, becomes
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

DEPLOYMENTS = WORKLOADS[0]


class Recorder:
    """What a list-watch reported: names, with a minus where the object is gone."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, key: ServiceKey, old: Service | None, new: Service | None) -> None:
        self.seen.append(f"-{key.name}" if new is None else key.name if old else f"+{key.name}")

    async def until(self, *expected: str) -> None:
        """Wait until each of these was reported."""
        await becomes(lambda: set(expected) <= set(self.seen), f"{expected} in {self.seen}")


@pytest.fixture
def namespace(control_plane: Cluster) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    assert control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    yield name
    control_plane.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


@pytest.fixture
def through_proxy(proxy: FaultProxy, control_plane: Cluster, tmp_path: Path) -> Path:
    return proxy.kubeconfig(control_plane.token, tmp_path / "kubeconfig")


def service(name: str, **selector: str) -> dict[str, Any]:
    spec = {"selector": selector or {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def create(cluster: Cluster, namespace: str, name: str) -> None:
    status, answer = cluster.request("POST", SERVICES.path(namespace), service(name))
    assert status == 201, answer


def delete(cluster: Cluster, namespace: str, name: str) -> None:
    status, answer = cluster.request("DELETE", SERVICES.path(namespace, name))
    assert status == 200, answer


@asynccontextmanager
async def watching(
    client: ApiClient, namespace: str, **options: Any
) -> AsyncIterator[tuple[ListWatch[ServiceKey, Service], Recorder]]:
    recorder = Recorder()
    copy = ListWatch(client, SERVICES, recorder, namespace=namespace, **{"silence": 2 * SECONDS} | options)
    task = asyncio.create_task(copy.run())
    try:
        yield copy, recorder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def run(kubeconfig: Path, scenario: Callable[[ApiClient], Awaitable[None]]) -> None:
    with_client(kubeconfig, scenario)


def test_changes_are_reported_once_and_in_order(control_plane: Cluster, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        await client.create(SERVICES.path(namespace), service("before"))
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            assert recorder.seen == ["+before"]
            await client.create(SERVICES.path(namespace), service("search"))
            edited = await client.merge(SERVICES.path(namespace, "search"), {"spec": {"selector": {"app": "new"}}})
            delete(control_plane, namespace, "before")
            await recorder.until("-before")
            assert recorder.seen == ["+before", "+search", "search", "-before"]
            assert int(copy.version) > int(edited["metadata"]["resourceVersion"])
            (found,) = copy.items.values()
            assert found.selector is not None and found.selector.labels() == {"app": "new"}

    run(control_plane.kubeconfig, scenario)


def test_a_change_of_nothing_we_read_is_silent(control_plane: Cluster, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            await client.create(SERVICES.path(namespace), service("search"))
            for value in ("one", "two", "longer than a packet" * 10_000):
                await client.merge(SERVICES.path(namespace, "search"), {"metadata": {"annotations": {"note": value}}})
            await client.create(SERVICES.path(namespace), service("last"))
            await recorder.until("+last")
            assert recorder.seen == ["+search", "+last"]

    run(control_plane.kubeconfig, scenario)


def test_what_happens_elsewhere_is_followed_by_version(
    control_plane: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listwatch, "WATCH_SECONDS", (4, 4))

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            other = await client.create(SERVICES.path("default"), service(f"other-{secrets.token_hex(4)}"))
            metadata = other["metadata"]
            await becomes(lambda: int(copy.version) >= int(metadata["resourceVersion"]))
            assert recorder.seen == []
            assert copy.relists == 1
            delete(control_plane, "default", metadata["name"])

    run(control_plane.kubeconfig, scenario)


def test_only_its_own_namespace_and_labels_are_seen(control_plane: Cluster, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        create(control_plane, "default", other := f"other-{secrets.token_hex(4)}")
        try:
            async with watching(client, namespace) as (copy, _):
                await asyncio.wait_for(copy.synced.wait(), SECONDS)
                assert not copy.items
            async with watching(client, "") as (copy, _):
                await asyncio.wait_for(copy.synced.wait(), SECONDS)
                assert ServiceKey("default", other) in copy.items
        finally:
            delete(control_plane, "default", other)

    run(control_plane.kubeconfig, scenario)


def test_pages_are_put_together(control_plane: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicegraph.sources.api.PAGE_SIZE", 3)
    names = {f"s{number}" for number in range(8)}
    for name in names:
        create(control_plane, namespace, name)

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            assert {key.name for key in copy.items} == names
            assert sorted(recorder.seen) == sorted(f"+{name}" for name in names)

    run(control_plane.kubeconfig, scenario)


def test_an_expired_watch_lists_again_and_sees_the_deletions(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    for name in ("stays", "goes"):
        create(control_plane, namespace, name)

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            proxy.inject(Fault(watch=True, path="/services", status=503))
            proxy.disconnect()
            delete(control_plane, namespace, "goes")
            create(control_plane, namespace, "comes")
            proxy.heal()
            proxy.inject(Fault(watch=True, path="/services", expired=True, times=1))
            await recorder.until("-goes", "+comes")
            assert sorted(recorder.seen) == sorted(["+stays", "+goes", "-goes", "+comes"])
            assert {key.name for key in copy.items} == {"stays", "comes"}

    run(through_proxy, scenario)


def test_a_cut_watch_goes_on_where_it_was(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            for name in ("one", "two", "three"):
                proxy.disconnect()
                create(control_plane, namespace, name)
                await recorder.until(f"+{name}")
            assert recorder.seen == ["+one", "+two", "+three"]
            assert copy.relists == 1

    run(through_proxy, scenario)


def test_an_answer_cut_in_the_middle_is_asked_for_again(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    create(control_plane, namespace, "search")
    cut = Fault(watch=False, path="/services", times=2, cut_after=200)
    proxy.inject(cut)

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            assert recorder.seen == ["+search"]
            assert proxy.hits(cut) == 2

    run(through_proxy, scenario)


def test_a_busy_api_server_is_given_the_time_it_asks_for(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    busy = Fault(watch=False, path="/services", status=429, retry_after=1, times=2)
    proxy.inject(busy)

    async def scenario(client: ApiClient) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with watching(client, namespace) as (copy, _):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            assert loop.time() - began >= 2
            assert proxy.hits(busy) == 2

    run(through_proxy, scenario)


def test_a_silent_connection_is_given_up(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace, silence=0.5) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            proxy.blackhole()
            create(control_plane, namespace, "search")
            await becomes(lambda: copy.trouble is not None)
            assert copy.staleness > 0.5
            assert recorder.seen == []
            proxy.heal()
            await recorder.until("+search")
            assert copy.trouble is None

    run(through_proxy, scenario)


@pytest.mark.parametrize("how", ["term", "kill"])
def test_an_api_server_that_restarts_is_followed(control_plane: Cluster, namespace: str, how: str) -> None:
    for name in ("stays", "goes"):
        create(control_plane, namespace, name)

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            await asyncio.to_thread(control_plane.restart_apiserver, kill=how == "kill")
            delete(control_plane, namespace, "goes")
            create(control_plane, namespace, "comes")
            await recorder.until("-goes", "+comes")
            assert {key.name for key in copy.items} == {"stays", "comes"}

    run(control_plane.kubeconfig, scenario)


def test_history_that_was_compacted_is_replaced(
    control_plane: Cluster, proxy: FaultProxy, through_proxy: Path, namespace: str
) -> None:
    for name in ("stays", "goes"):
        create(control_plane, namespace, name)

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            proxy.inject(Fault(watch=True, status=503))
            proxy.disconnect()
            delete(control_plane, namespace, "goes")
            await asyncio.to_thread(control_plane.compact_etcd)
            await asyncio.to_thread(control_plane.restart_apiserver)
            proxy.heal()
            await recorder.until("-goes")
            assert {key.name for key in copy.items} == {"stays"}
            assert copy.relists == 2

    run(through_proxy, scenario)


def test_an_etcd_that_restarts_is_survived(control_plane: Cluster, namespace: str) -> None:
    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, recorder):
            await asyncio.wait_for(copy.synced.wait(), SECONDS)
            await asyncio.to_thread(control_plane.restart_etcd, kill=True)
            create(control_plane, namespace, "search")
            await recorder.until("+search")
            assert recorder.seen == ["+search"]

    run(control_plane.kubeconfig, scenario)


def test_a_missing_permission_is_named_and_waited_for(
    control_plane: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listwatch, "PERMISSION_SECONDS", 0.1)
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    assert control_plane.request("POST", account, {"metadata": {"name": "reader"}})[0] == 201
    status, answer = control_plane.request("POST", f"{account}/reader/token", {"spec": {"expirationSeconds": 3600}})
    assert status == 201, answer
    kubeconfig = control_plane.kubeconfig_for(answer["status"]["token"], tmp_path / "reader")
    authorization = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rule = {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}

    async def scenario(client: ApiClient) -> None:
        async with watching(client, namespace) as (copy, _):
            await becomes(lambda: copy.trouble is not None)
            assert copy.trouble is not None
            assert "services" in copy.trouble and namespace in copy.trouble and "list and watch" in copy.trouble
            assert not copy.synced.is_set()
            control_plane.request("POST", f"{authorization}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
            control_plane.request(
                "POST",
                f"{authorization}/rolebindings",
                {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]},
            )
            await becomes(copy.synced.is_set)
            assert copy.trouble is None

    run(kubeconfig, scenario)


def test_a_missing_kind_is_named(control_plane: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = type(SERVICES)("example.dev", "v1", "Thing", "things", SERVICES.wire, SERVICES.key, SERVICES.translate)

    async def scenario(client: ApiClient) -> None:
        copy = ListWatch(client, unknown, lambda key, old, new: None)
        task = asyncio.create_task(copy.run())
        await becomes(lambda: copy.trouble is not None)
        assert copy.trouble is not None
        assert "things.example.dev" in copy.trouble and "CustomResourceDefinition" in copy.trouble
        task.cancel()

    run(control_plane.kubeconfig, scenario)


def test_scaling_and_status_of_a_workload_are_silent(control_plane: Cluster, namespace: str) -> None:
    labels = {"app": "search"}
    container = {"name": "main", "image": "none", "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    seen: list[Workload | None] = []

    def changed(key: WorkloadKey, old: Workload | None, new: Workload | None) -> None:
        seen.append(new)

    async def scenario(client: ApiClient) -> None:
        copy = ListWatch(client, DEPLOYMENTS, changed, namespace=namespace)
        task = asyncio.create_task(copy.run())
        await asyncio.wait_for(copy.synced.wait(), SECONDS)
        await client.create(DEPLOYMENTS.path(namespace), {"metadata": {"name": "search"}, "spec": spec})
        path = DEPLOYMENTS.path(namespace, "search")
        for replicas in (2, 3, 0):
            await client.merge(path, {"spec": {"replicas": replicas}})
        container["ports"] = [{"name": "http", "containerPort": 9090}]
        await client.merge(path, {"spec": {"template": {"spec": {"containers": [container]}}}})
        await becomes(lambda: len(seen) >= 2)
        assert [port.number for found in seen if found for port in found.ports] == [8080, 9090]
        task.cancel()

    run(control_plane.kubeconfig, scenario)
