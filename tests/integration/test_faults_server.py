"""The API server restarts, falls silent, forgets its history: the operator recovers by itself and misses nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servicegraph.sources.listwatch import SILENCE_SECONDS
from tests.integration.kube import Kube
from tests.integration.look import complete, condition, policies, ready, settled, versions
from tests.integration.operators import Operator, leading, operating, through
from tests.integration.support import Scene, scene
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

MOVED = {"app": "search-two"}
KIOSK = {"kiosk": calls("till"), "till": {}}
SECONDS = SILENCE_SECONDS + 60
"""A watch that hangs is noticed after its silence."""
Change = Callable[[], None]


@pytest.fixture(scope="module")
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


@pytest.fixture(scope="module")
def operator(account: Path, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator behind a proxy, with a lease that outlasts what is done to it here."""
    folder = tmp_path_factory.mktemp("operator")
    patient = {"lease_seconds": "120", "renew_seconds": "110"}
    with operating(through(proxy.url, account, folder), folder, **patient) as running:
        yield leading(running)


@pytest.fixture
def street(kube: Kube, operator: Operator, namespace: str) -> str:
    """A namespace with the graphs `shop` and `more`."""
    kube.apply(*app(namespace, *SHOP, *KIOSK, "extra", "fresh"))
    kube.apply(graph(namespace, "shop", {**SHOP, **KIOSK}), graph(namespace, "more", {"extra": calls("database")}))
    eventually(lambda: complete(kube, namespace) and settled(kube, namespace, "more"))
    free = {"fresh > stranger:8080", "stranger > fresh:8080"}
    expected = {"frontend > search:8080", "search > database:8080", "extra > database:8080", "kiosk > till:8080"} | free
    assert pods(namespace, {"app": "search"}).allows(kube) == expected
    return namespace


def pods(namespace: str, search: dict[str, str]) -> Scene:
    names = ("frontend", "database", "kiosk", "till", "extra", "fresh", "stranger")
    return scene(namespace, search=search, **{name: {"app": name} for name in names})


def change_everything(kube: Kube, namespace: str) -> None:
    """Labels move; a callee, a graph and a policy are deleted; a graph is created; a policy is opened."""
    found = policies(kube, namespace)
    kube.apply(deployment(namespace, "search-two", MOVED), service(namespace, "search", MOVED))
    kube.delete("Service", namespace, "till")
    kube.delete("Deployment", namespace, "till")
    kube.delete("ServiceGraph", namespace, "more")
    kube.apply(graph(namespace, "new", {"fresh": calls("search")}))
    kube.delete("NetworkPolicy", namespace, found["frontend"]["metadata"]["name"])
    opened = found["database"]["metadata"]["name"]
    kube.patch("NetworkPolicy", namespace, opened, {"spec": {"ingress": [{}], "egress": [{}]}}, "intruder")


def has_followed(kube: Kube, namespace: str) -> bool:
    free = ("till", "extra", "stranger")
    expected = {"frontend > search:8080", "search > database:8080", "fresh > search:8080"}
    expected |= {f"{a} > {b}:8080" for a in free for b in free if a != b}
    return pods(namespace, MOVED).allows(kube) == expected


def watches_refused(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    proxy.inject(Fault(watch=True, status=503))
    proxy.disconnect()
    change()


def everything_refused(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    proxy.inject(Fault(status=503))
    proxy.disconnect()
    change()


def silence(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    proxy.blackhole()
    change()


def connections_cut_while_it_changes(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    proxy.inject(Fault(cut_after=300, times=60))
    proxy.disconnect()
    change()
    proxy.disconnect()


def watches_expired(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    watches_refused(proxy, cluster, change)
    proxy.heal()
    proxy.inject(Fault(watch=True, expired=True, times=20))


def history_compacted(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    watches_refused(proxy, cluster, change)
    cluster.compact_etcd()
    cluster.restart_apiserver()


def apiserver_restarted(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    cluster.restart_apiserver()
    change()


def apiserver_killed(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    change()
    cluster.restart_apiserver(kill=True)


def etcd_restarted(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    cluster.restart_etcd()
    change()


def etcd_killed(proxy: FaultProxy, cluster: Cluster, change: Change) -> None:
    change()
    cluster.restart_etcd(kill=True)


FAULTS = (
    watches_refused,
    everything_refused,
    silence,
    connections_cut_while_it_changes,
    watches_expired,
    history_compacted,
    apiserver_restarted,
    apiserver_killed,
    etcd_restarted,
    etcd_killed,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.replace("_", " "))
def test_changes_made_meanwhile_are_applied(
    kube: Kube,
    control_plane: Cluster,
    operator: Operator,
    proxy: FaultProxy,
    street: str,
    fault: Callable[[FaultProxy, Cluster, Change], None],
) -> None:
    try:
        fault(proxy, control_plane, lambda: change_everything(kube, street))
    finally:
        if fault is not watches_expired:
            proxy.heal()
    eventually(lambda: has_followed(kube, street), "everything is as it should be", SECONDS)
    eventually(lambda: ready(kube, street) and settled(kube, street, "new"), "and reported", SECONDS)
    proxy.heal()
    kube.apply(graph(street, "new", {"fresh": {}}))
    eventually(lambda: not policies(kube, street)["fresh"]["spec"].get("egress"), "it goes on as before")
    assert operator.exit_code is None
    assert operator.is_leading()


def test_a_name_that_was_taken_unseen_is_not_touched(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str
) -> None:
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    eventually(lambda: settled(kube, namespace))
    name = policies(kube, namespace)["database"]["metadata"]["name"]
    kube.delete("ServiceGraph", namespace, "shop")
    eventually(lambda: not kube.list("NetworkPolicy", namespace), "the policies are gone with the graph", SECONDS)
    proxy.inject(Fault(watch=True, path="networkpolicies", status=503))
    proxy.disconnect()
    theirs = {"podSelector": {"matchLabels": {"app": "theirs"}}, "policyTypes": ["Ingress"]}
    metadata = {"name": name, "namespace": namespace}
    kube.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": theirs})
    version = versions(kube, namespace)[name]
    kube.apply(graph(namespace, "shop", SHOP))
    eventually(lambda: len(versions(kube, namespace)) == 3, "the others are written")
    eventually(lambda: condition(kube, namespace, "shop", "Stalled", "reason") == "NameTaken", "it says so")
    assert versions(kube, namespace)[name] == version
    proxy.heal()
    kube.delete("NetworkPolicy", namespace, name)
    eventually(lambda: settled(kube, namespace), "the name is free", SECONDS)
