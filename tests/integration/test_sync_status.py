"""What a status says is true at the moment it says so, also while everything moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kube import Kube, Object, path_of
from tests.integration.look import ready
from tests.integration.operators import Operator, leading, operating, through
from tests.integration.support import History, everything_seen
from tests.integration.world import graph, service
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

NAMES = [f"team-{number}" for number in range(30)]
TURNS = range(1, 7)
LATE = Fault(methods=frozenset({"GET"}), path="/servicegraphs$", delay=60.0)


@pytest.fixture(scope="module")
def proxy(control_plane: Cluster) -> Iterator[FaultProxy]:
    with FaultProxy(control_plane) as one:
        yield one


@pytest.fixture(scope="module")
def operator(account: Path, proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator behind a proxy."""
    folder = tmp_path_factory.mktemp("operator")
    with operating(through(proxy.url, account, folder), folder) as running:
        yield leading(running)


def calling(namespace: str, name: str, number: int) -> Object:
    """A graph whose only policy tells which version of the graph it comes from."""
    return graph(namespace, name, {name: {"calls": [{"cidr": f"198.51.100.{number}/32", "ports": [443]}]}})


def in_force(policies: list[Object], name: str) -> int:
    """The version of a graph that its policy comes from, 0 where it has none."""
    for policy in policies:
        if policy["metadata"]["name"].rpartition("-")[0] == f"sg-{name}":
            cidr: str = policy["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"]
            return int(cidr.removeprefix("198.51.100.").removesuffix("/32"))
    return 0


def test_ready_is_never_early(kube: Kube, operator: Operator, namespace: str) -> None:
    """resourceVersions count the writes of all kinds: when a graph is Ready, its policy was there before."""
    kube.apply(*(service(namespace, name, http=8080) for name in NAMES))
    everything_seen(kube)
    history = History(kube, namespace)
    start = kube.call("GET", path_of("ServiceGraph", ""))["metadata"]["resourceVersion"]
    for number in TURNS:
        kube.apply(*(calling(namespace, name, number) for name in NAMES))
    eventually(lambda: all(ready(kube, namespace, name) for name in NAMES), "the last of each is Ready")
    states = history.states()
    told = 0
    for event in kube.watch("ServiceGraph", start):
        metadata, status = event["object"]["metadata"], event["object"].get("status", {})
        conditions = {c["type"]: c for c in status.get("conditions", ())}
        if metadata["namespace"] == namespace and conditions and conditions["Ready"]["status"] == "True":
            told += 1
            policies = [found for version, found in states if version <= int(metadata["resourceVersion"])][-1]
            assert in_force(policies, metadata["name"]) >= conditions["Ready"]["observedGeneration"]
    assert told >= len(NAMES)
    assert {in_force(states[-1][1], name) for name in NAMES} == {TURNS[-1]}


def test_an_edit_is_first_seen_in_the_answer_to_a_status(
    kube: Kube, operator: Operator, proxy: FaultProxy, namespace: str
) -> None:
    """The watch is late: what it brings at last has an older resourceVersion than the answer."""
    kube.apply(service(namespace, "team-1"), calling(namespace, "team-1", 1))
    eventually(lambda: in_force(kube.list("NetworkPolicy", namespace), "team-1") == 1)
    eventually(lambda: ready(kube, namespace, "team-1"))
    name = kube.list("NetworkPolicy", namespace)[0]["metadata"]["name"]
    proxy.inject(LATE)
    proxy.disconnect()
    kube.apply(calling(namespace, "team-1", 2))
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    metadata = {"name": f"rendered-{name}", "namespace": namespace}
    kube.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})
    eventually(lambda: in_force(kube.list("NetworkPolicy", namespace), "team-1") == 2, seconds=LATE.delay - 2)
    proxy.heal()
