"""The limits of the profile hold on a running operator (R20)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kube import Kube, Object
from tests.integration.look import policies, ready, settled, status
from tests.integration.operators import Operator, leading, operating
from tests.integration.support import shop_pods
from tests.integration.world import SHOP, app, calls, graph
from tests.support.verdict import Address, Verdicts
from tests.waiting import eventually

PROFILE: Object = {
    "apiVersion": "servicegraph.dev/v1alpha1",
    "kind": "ClusterProfile",
    "ranges": {"pods": ["10.244.0.0/16"], "services": ["10.96.0.0/16"], "nodes": ["10.0.0.0/24"]},
    "parties": [{"name": "proxy", "cidr": "10.30.0.0/24"}, {"name": "vault", "cidr": "10.40.0.0/24"}],
    "limits": {
        "forbiddenParties": ["internet", "anywhere", "vault"],
        "deniedCIDRs": ["169.254.0.0/16", "198.51.100.0/24"],
        "edgesPerNamespace": 4,
        "graphsPerNamespace": 2,
    },
}
CALLS = {"frontend > search:8080", "search > database:8080"}


@pytest.fixture(scope="module")
def operator(account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator with a profile."""
    folder = tmp_path_factory.mktemp("operator")
    profile = folder / "profile.yaml"
    profile.write_text(json.dumps(PROFILE))
    with operating(account, folder, profile=str(profile)) as running:
        yield leading(running)


def exceeded(kube: Kube, namespace: str, name: str = "shop") -> list[str]:
    """The paths of what is beyond a limit."""
    found = status(kube, namespace, name).get("problems", ())
    return sorted(problem["path"] for problem in found if problem["code"] == "LimitExceeded")


def reaches(kube: Kube, namespace: str, service: str, address: str) -> bool:
    pod = shop_pods(namespace).pods[service]
    return Verdicts(kube.list("NetworkPolicy", namespace), {}).egress(pod, Address(address), ("TCP", 443))


def test_forbidden_parties_and_addresses_give_no_rule(kube: Kube, operator: Operator, namespace: str) -> None:
    parties: list[Object] = [{"party": "proxy"}, {"party": "vault"}, {"cidr": "198.51.0.0/16"}]
    services = {"search": {"calls": [{**party, "ports": [443]} for party in parties]}}
    services["search"]["accepts"] = [{"anywhere": True, "ports": ["http"]}]
    kube.apply(*app(namespace, *services), graph(namespace, "shop", services))
    expected = [".spec.services[0].accepts[0]", ".spec.services[0].calls[1]", ".spec.services[0].calls[2]"]
    eventually(lambda: exceeded(kube, namespace) == expected, "each is named")
    eventually(lambda: "search" in policies(kube, namespace) and ready(kube, namespace))
    assert reaches(kube, namespace, "search", "10.30.0.1")
    assert not any(reaches(kube, namespace, "search", to) for to in ("10.40.0.1", "198.51.100.1", "198.51.7.1"))
    assert "ingress" not in policies(kube, namespace)["search"]["spec"]


def test_more_calls_than_a_namespace_may_have(kube: Kube, operator: Operator, namespace: str, neighbour: str) -> None:
    """Two in the first graph by name, two of the second's three; another namespace has its own."""
    more = {"zone": calls("search", "database", "frontend")}
    for place in (namespace, neighbour):
        kube.apply(*app(place, *SHOP, "zone"), graph(place, "a", SHOP))
        eventually(lambda: settled(kube, place, "a"))  # noqa: B023
    kube.apply(graph(namespace, "b", more))
    eventually(lambda: exceeded(kube, namespace, "b") != [], "it is told")
    assert exceeded(kube, namespace, "a") == []
    pods = shop_pods(namespace, zone={"app": "zone"})

    def left() -> list[str]:
        return [flow for flow in pods.allows(kube) - CALLS if flow.startswith("zone > ")]

    eventually(lambda: len(left()) == 2, "two calls are within the limit")
    assert shop_pods(neighbour).allows(kube) == CALLS
    kube.apply(graph(namespace, "b", {"zone": calls("search", "database")}))
    eventually(lambda: settled(kube, namespace, "b"), "within the limit again")


def test_more_graphs_than_a_namespace_may_have(kube: Kube, operator: Operator, namespace: str) -> None:
    """The last by age, and by name, gives no rule; what it declares is isolated all the same."""
    kube.apply(*app(namespace, *SHOP))
    kube.apply(*(graph(namespace, name, {name: SHOP[name]}) for name in sorted(SHOP)))
    eventually(lambda: exceeded(kube, namespace, "search") != [], "the last is told")
    eventually(lambda: shop_pods(namespace).allows(kube) == {"frontend > search:8080"})
    assert exceeded(kube, namespace, "frontend") == exceeded(kube, namespace, "database") == []
    kube.delete("ServiceGraph", namespace, "database")
    eventually(lambda: exceeded(kube, namespace, "search") == [], "there is room now")
