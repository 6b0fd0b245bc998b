"""What needs no write gets none, and a change only those that it needs: counted by the API server."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.kube import MERGE, Audit, Kube, Object, path_of
from tests.integration.look import complete, policies, status, versions
from tests.integration.operators import Operator, leading, operating
from tests.integration.support import end_pod, everything_seen, policy_writes, start_pod
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.waiting import eventually

APART = {"kiosk": calls("till"), "till": {}}
Change = Callable[[Kube, str], object]


@pytest.fixture(scope="module")
def operator(account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that reads and compares everything again twice a second."""
    with operating(account, tmp_path_factory.mktemp("operator"), resync_seconds="0.5") as running:
        yield leading(running)


@pytest.fixture
def street(kube: Kube, operator: Operator, namespace: str, audit: Audit) -> str:
    """A namespace with the shop and, in the same graph, two services that have nothing to do with it."""
    kube.apply(*app(namespace, *SHOP, *APART), graph(namespace, "shop", {**SHOP, **APART}))
    eventually(lambda: complete(kube, namespace))
    eventually(lambda: rests(operator, audit, namespace), "nothing is left to write")
    return namespace


def rests(operator: Operator, audit: Audit, namespace: str) -> bool:
    """Whether the operator found nothing to write for a while; forgets what it wrote before."""
    audit.reset()
    see_all(operator)
    return not audit.writes_in(namespace)


def see_all(operator: Operator) -> None:
    """Return when everything has been compared some more times."""
    before = operator.metric("servicegraph_reconcile_seconds_count")
    eventually(lambda: operator.metric("servicegraph_reconcile_seconds_count") >= before + 3, "some resyncs are over")


def run_pod(kube: Kube, namespace: str, name: str, address: str, labels: Object) -> None:
    """A pod that has an address and is ready, as a kubelet would tell."""
    start_pod(kube, namespace, name, labels)
    ready = {"type": "Ready", "status": "True"}
    state = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready]}
    kube.call("PATCH", path_of("Pod", namespace, name) + "/status", {"status": state}, MERGE)


def test_pods_come_and_go(kube: Kube, operator: Operator, street: str, audit: Audit) -> None:
    before = versions(kube, street)
    for number in range(1, 9):
        run_pod(kube, street, f"search-{number}", f"10.0.7.{number}", {"app": "search"})
    see_all(operator)
    for number in range(1, 9):
        kube.patch("Pod", street, f"search-{number}", {"metadata": {"labels": {"canary": "yes"}}})
        end_pod(kube, street, f"search-{number}")
    see_all(operator)
    assert audit.writes_in(street) == []
    assert versions(kube, street) == before


def patched(kind: str, name: str, patch: Object) -> Change:
    return lambda kube, namespace: kube.patch(kind, namespace, name, patch)


def note_on_a_policy(kube: Kube, namespace: str) -> None:
    name = policies(kube, namespace)["search"]["metadata"]["name"]
    kube.patch("NetworkPolicy", namespace, name, {"metadata": {"annotations": {"note": "x"}, "labels": {"team": "x"}}})


def foreign_policy(kube: Kube, namespace: str) -> None:
    theirs = {"podSelector": {"matchLabels": {"app": "search"}}, "policyTypes": ["Ingress"]}
    metadata = {"name": "allow-monitoring", "namespace": namespace}
    kube.apply(
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": theirs},
    )
    kube.delete("NetworkPolicy", namespace, "allow-monitoring")


def same_graph(kube: Kube, namespace: str) -> None:
    kube.apply(graph(namespace, "shop", {**SHOP, **APART}))


def new_image(kube: Kube, namespace: str) -> None:
    found = deployment(namespace, "search")
    found["spec"]["replicas"] = 3
    found["spec"]["template"]["spec"]["containers"][0]["image"] = "example.test/other"
    kube.apply(found)


NOTHING: dict[str, Change] = {
    "Service annotated": patched("Service", "search", {"metadata": {"annotations": {"note": "x"}}}),
    "Service of another type": patched("Service", "search", {"spec": {"type": "NodePort"}}),
    "Deployment rolled out and scaled": new_image,
    "Deployment annotated": patched("Deployment", "search", {"metadata": {"annotations": {"note": "x"}}}),
    "graph annotated": patched("ServiceGraph", "shop", {"metadata": {"annotations": {"a": "b"}, "labels": {"a": "b"}}}),
    "graph applied again": same_graph,
    "policy annotated": note_on_a_policy,
    "policy of somebody": foreign_policy,
}


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING)
def test_a_change_of_nothing_that_matters(
    kube: Kube, operator: Operator, street: str, audit: Audit, change: Change
) -> None:
    change(kube, street)
    before = versions(kube, street)
    see_all(operator)
    assert audit.writes_in(street) == []
    assert versions(kube, street) == before


def test_the_same_graph_in_other_words(kube: Kube, operator: Operator, street: str, audit: Audit) -> None:
    """Only its status is written, once, to say which generation it speaks of."""
    before = versions(kube, street)
    search = {"calls": [{"service": "database", "reason": "prices"}]}
    kube.apply(graph(street, "shop", {**APART, "search": search, "database": {}, "frontend": calls("search")}))
    eventually(lambda: status(kube, street, "shop"), "it speaks of this generation")
    see_all(operator)
    assert audit.writes_in(street) == [("patch", "servicegraphs/status", "shop")]
    assert versions(kube, street) == before


def call_more(kube: Kube, namespace: str) -> None:
    kube.apply(graph(namespace, "shop", {**SHOP, **APART, "frontend": calls("search", "database")}))


def call_less(kube: Kube, namespace: str) -> None:
    kube.apply(graph(namespace, "shop", {**SHOP, **APART, "search": {}}))


def accept(kube: Kube, namespace: str) -> None:
    open_ = {"accepts": [{"anywhere": True, "ports": ["http"]}]}
    kube.apply(graph(namespace, "shop", {**SHOP, **APART, "till": open_}))


def declare(kube: Kube, namespace: str) -> None:
    kube.apply(*app(namespace, "extra"))
    everything_seen(kube)
    kube.apply(graph(namespace, "more", {"extra": calls("search")}))


def withdraw(kube: Kube, namespace: str) -> None:
    kube.apply(graph(namespace, "shop", {"frontend": calls("search"), "search": {}, **APART}))


def target(kube: Kube, namespace: str) -> None:
    kube.apply(service(namespace, "database", http=9000))


def number(kube: Kube, namespace: str) -> None:
    kube.apply(deployment(namespace, "search", http=9000))


DIFFERENT: dict[str, tuple[Change, dict[str, str]]] = {
    "a call is added": (call_more, {"frontend": "patch", "database": "patch"}),
    "a call is removed": (call_less, {"search": "patch", "database": "patch"}),
    "a party is accepted": (accept, {"till": "patch"}),
    "a service is declared": (declare, {"extra": "patch", "search": "patch"}),
    "a service is withdrawn": (withdraw, {"search": "patch", "database": "delete"}),
    "a target port changes": (target, {"database": "patch", "search": "patch"}),
    "a container port changes": (number, {"search": "patch", "frontend": "patch"}),
}


@pytest.mark.parametrize(("change", "expected"), DIFFERENT.values(), ids=DIFFERENT)
def test_only_policies_that_differ_are_written(
    kube: Kube, operator: Operator, street: str, audit: Audit, change: Change, expected: dict[str, str]
) -> None:
    before = versions(kube, street)
    change(kube, street)
    eventually(lambda: len(policy_writes(audit, street)) >= len(expected), "the policies follow")
    see_all(operator)
    written = policy_writes(audit, street)
    assert Counter((name.rpartition("-")[0].removeprefix("sg-"), verb) for verb, name in written) == Counter(
        expected.items()
    )
    after = versions(kube, street)
    touched = {name for _, name in written}
    assert {n: v for n, v in after.items() if n not in touched} == {n: v for n, v in before.items() if n not in touched}
