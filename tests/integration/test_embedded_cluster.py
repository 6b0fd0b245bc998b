"""The launcher and its fault proxy, on a control plane of their own: the tests here restart and starve it."""

import http.client
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integration.kube import audit_entries
from tests.waiting import eventually
from tools.cluster import Cluster, running
from tools.cluster.faults import Fault
from tools.cluster.http import request
from tools.cluster.ports import free_port
from tools.cluster.proxy import FaultProxy

NAMESPACES = "/api/v1/namespaces"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running() as one:
        yield one


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(cluster) as one:
        yield one


class Client:
    """One kept connection through the proxy, as an operator's would be."""

    def __init__(self, proxy: FaultProxy, cluster: Cluster, timeout: float = 10) -> None:
        tls = ssl.create_default_context(cadata=cluster.ca)
        self._headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPSConnection(urlsplit(proxy.url).netloc, context=tls, timeout=timeout)

    def send(self, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        return self._connection.getresponse()


@pytest.fixture
def client(proxy: FaultProxy, cluster: Cluster) -> Client:
    return Client(proxy, cluster)


def namespace(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def resource_version(cluster: Cluster) -> str:
    return str(cluster.request("GET", NAMESPACES)[1]["metadata"]["resourceVersion"])


def test_it_is_the_version_that_was_built(cluster: Cluster) -> None:
    assert cluster.request("GET", "/version")[1]["gitVersion"] == "v1.36.3"


def test_strangers_are_refused_and_certificates_are_checked(cluster: Cluster) -> None:
    assert request(cluster.server + NAMESPACES, token="no-such-token", ca=cluster.ca)[0] == 401
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        request(cluster.server + NAMESPACES, token=cluster.token)


def test_controllers_work(cluster: Cluster) -> None:
    assert cluster.request("POST", NAMESPACES, namespace("controlled"))[0] == 201
    account = f"{NAMESPACES}/controlled/serviceaccounts/default"
    eventually(lambda: cluster.request("GET", account)[0] == 200)
    status, answer = cluster.request("POST", f"{account}/token", {"spec": {"expirationSeconds": 600}})
    assert status == 201
    token = answer["status"]["token"]
    assert request(f"{cluster.server}/api", token=token, ca=cluster.ca, timeout=30)[0] == 200
    assert cluster.request("DELETE", f"{NAMESPACES}/controlled")[0] == 200
    eventually(lambda: cluster.request("GET", f"{NAMESPACES}/controlled")[0] == 404)


def test_the_audit_log_has_writes_and_nothing_else(cluster: Cluster) -> None:
    assert cluster.audit_log
    cluster.request("POST", NAMESPACES, namespace("audited"))
    events = list(audit_entries(cluster.audit_log))
    assert ("create", "audited") in {(event["verb"], event["objectRef"].get("name")) for event in events}
    assert not {"get", "list", "watch"} & {event["verb"] for event in events}


def test_two_clusters_run_side_by_side_whatever_ports_are_taken(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    etcd, apiserver = urlsplit(cluster.etcd_url).port, urlsplit(cluster.server).port
    draws = iter([etcd, free_port(), free_port(), free_port(), apiserver, free_port()])
    monkeypatch.setattr("tools.cluster.controlplane.free_port", lambda: next(draws))
    with running(audit=False) as other:
        state = other.state
        assert other.request("POST", NAMESPACES, namespace("elsewhere"))[0] == 201
        assert cluster.request("GET", f"{NAMESPACES}/elsewhere")[0] == 404
    assert next(draws, None) is None
    assert not state.exists()
    assert cluster.request("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("kill", [False, True])
def test_restarts_keep_the_data(cluster: Cluster, kill: bool) -> None:
    name = f"kept-{kill}".lower()
    assert cluster.request("POST", NAMESPACES, namespace(name))[0] == 201
    before = cluster.pids.copy()
    cluster.restart_etcd(kill=kill)
    cluster.restart_apiserver(kill=kill)
    assert before["etcd"] != cluster.pids["etcd"]
    assert before["kube-apiserver"] != cluster.pids["kube-apiserver"]
    assert cluster.request("GET", f"{NAMESPACES}/{name}")[0] == 200


def test_after_a_compaction_and_a_restart_old_watches_are_told_410(cluster: Cluster) -> None:
    old = resource_version(cluster)
    cluster.request("POST", NAMESPACES, namespace("compacted"))
    cluster.compact_etcd()
    cluster.restart_apiserver(kill=True)
    _, event = cluster.request("GET", f"{NAMESPACES}?watch=true&resourceVersion={old}&timeoutSeconds=5")
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_the_proxy_passes_everything_on(client: Client, proxy: FaultProxy, cluster: Cluster, tmp_path: Path) -> None:
    answer = client.send("GET", NAMESPACES)
    assert json.loads(answer.read())["kind"] == "NamespaceList"
    assert client.send("POST", NAMESPACES, namespace("through")).read()
    assert cluster.request("GET", f"{NAMESPACES}/through")[0] == 200
    assert (proxy.count("GET"), proxy.count("POST", path="namespaces"), proxy.count(watch=True)) == (1, 1, 0)
    kubeconfig = json.loads(proxy.kubeconfig("some-token", tmp_path / "kubeconfig").read_text())
    assert kubeconfig["clusters"][0]["cluster"]["server"] == proxy.url


def test_chosen_requests_are_answered_in_the_api_servers_place_so_many_times(
    client: Client, proxy: FaultProxy, cluster: Cluster
) -> None:
    fault = Fault(status=429, retry_after=7, methods=frozenset({"POST"}), times=2)
    proxy.inject(fault)
    answers = []
    for _ in range(3):
        answer = client.send("POST", NAMESPACES, namespace("patient"))
        answers.append((answer.status, answer.getheader("Retry-After"), json.loads(answer.read())["kind"]))
    assert answers == [(429, "7", "Status"), (429, "7", "Status"), (201, None, "Namespace")]
    assert proxy.hits(fault) == 2


def test_a_cut_answer_was_still_a_write(client: Client, proxy: FaultProxy, cluster: Cluster) -> None:
    proxy.inject(Fault(cut_after=10, methods=frozenset({"POST"})))
    with pytest.raises(http.client.IncompleteRead):
        client.send("POST", NAMESPACES, namespace("cut")).read()
    assert cluster.request("GET", f"{NAMESPACES}/cut")[0] == 200


def test_a_delayed_answer_comes_later(client: Client, proxy: FaultProxy) -> None:
    proxy.inject(Fault(delay=0.3))
    started = time.monotonic()
    assert client.send("GET", NAMESPACES).status == 200
    assert time.monotonic() - started >= 0.3


def test_watches_stream_and_can_be_cut_and_expired(client: Client, proxy: FaultProxy, cluster: Cluster) -> None:
    watch = f"{NAMESPACES}?watch=true&resourceVersion={resource_version(cluster)}"
    stream = client.send("GET", watch)
    cluster.request("POST", NAMESPACES, namespace("seen"))
    assert json.loads(stream.readline())["object"]["metadata"]["name"] == "seen"
    proxy.disconnect()
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        stream.read()
    proxy.inject(Fault(expired=True, watch=True))
    assert json.loads(Client(proxy, cluster).send("GET", watch).readline())["object"]["code"] == 410


def test_nothing_gets_out_of_a_black_hole_until_it_is_healed(
    client: Client, proxy: FaultProxy, cluster: Cluster
) -> None:
    watch = f"{NAMESPACES}?watch=true&resourceVersion={resource_version(cluster)}"
    stream = client.send("GET", watch)
    proxy.blackhole()
    cluster.request("POST", NAMESPACES, namespace("missed"))
    with pytest.raises(TimeoutError):
        Client(proxy, cluster, timeout=0.3).send("GET", NAMESPACES)
    proxy.heal()
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        stream.read()
    again = Client(proxy, cluster).send("GET", watch)
    assert json.loads(again.readline())["object"]["metadata"]["name"] == "missed"
