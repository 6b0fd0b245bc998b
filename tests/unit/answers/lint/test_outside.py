"""SourceAddressLost: a Service may replace the sender's address by a node's before the policy sees it."""

from typing import Any

import pytest

from servicegraph.model.problems import Code
from tests.unit.answers.lint.found import find, message, places
from tests.unit.compiler.cluster import Raw, graph, service, workload

ACCEPT = [".spec.services[0].accepts[0]"]


def exposed(kind: str, **spec: Any) -> list[Raw]:
    return [service("shop/search", "80>8080", type=kind, **spec), workload("shop/search")]


@pytest.mark.parametrize(
    ("town", "found"),
    [
        (exposed("LoadBalancer"), ACCEPT),
        (exposed("NodePort"), ACCEPT),
        (exposed("NodePort", externalTrafficPolicy="Cluster"), ACCEPT),
        (exposed("LoadBalancer", externalTrafficPolicy="Local"), []),
        (exposed("ClusterIP"), []),
    ],
)
@pytest.mark.parametrize("party", ["internet: true", "cidr: 64.0.0.0/8"])
def test_by_the_service_s_type_and_policy(town: list[Raw], found: list[str], party: str) -> None:
    shop = graph("shop/shop", f"{{services: [{{name: search, accepts: [{{{party}, ports: [8080]}}]}}]}}")
    assert places(Code.SOURCE_ADDRESS_LOST, town, shop) == found


@pytest.mark.parametrize(
    ("accepts", "found"),
    [
        ("{internet: true, ports: [8080]}, {nodes: true, ports: [8080]}", []),
        ("{anywhere: true, ports: [8080]}, {cidr: 64.0.0.0/8, ports: [8080]}", []),
        ("{nodes: true, ports: [8080]}", []),
        ("{pods: {namespace: edge, labels: {app: proxy}}, ports: [8080]}", []),
    ],
)
def test_nothing_where_nodes_are_accepted_or_no_address_is(accepts: str, found: list[str]) -> None:
    shop = graph("shop/shop", f"{{services: [{{name: search, accepts: [{accepts}]}}]}}")
    assert places(Code.SOURCE_ADDRESS_LOST, exposed("LoadBalancer"), shop) == found


def test_another_service_before_the_same_pods_counts_and_one_before_others_does_not() -> None:
    shop = graph("shop/shop", "{services: [{name: search, accepts: [{internet: true, ports: [8080]}]}]}")
    public = service("shop/public", "443>8080", selector={"app": "search"}, type="LoadBalancer")
    other = service("shop/other", "443>8080", selector={"app": "other"}, type="LoadBalancer")
    assert "shop/public" in message(find(exposed("ClusterIP"), public, shop))
    assert find(exposed("ClusterIP"), other, shop) == ()
