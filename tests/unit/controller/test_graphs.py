"""What is known of a graph that this process has never seen valid."""

from typing import Any

import pytest

from servicegraph.controller.graphs import GraphStore, LiveGraph

WRONG = {"cidr": "10.20.1.0/16", "ports": [443]}


def first_seen(status: dict[str, Any], *services: dict[str, Any]) -> LiveGraph:
    metadata = {"namespace": "shop", "name": "shop", "uid": "1", "generation": 2, "resourceVersion": "7"}
    kind = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph"}
    _, live = GraphStore().put({**kind, "metadata": metadata, "spec": {"services": list(services)}, "status": status})
    assert live is not None and live.problems and live.record.frozen
    return live


def test_one_that_was_valid_before_keeps_what_it_still_says() -> None:
    search = {"name": "search", "calls": [{"service": "database"}, WRONG]}
    graph = first_seen({"services": 1}, search).graph
    assert graph is not None
    (service,) = graph.services
    assert [entry.party.key.name for entry in service.calls] == ["database"]  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", [{"name": "search", "selects": [{"labels": {}}]}, {"name": "-", "selects": []}])
def test_a_service_whose_pods_are_in_doubt_is_left_out(wrong: dict[str, Any]) -> None:
    graph = first_seen({"services": 2}, wrong, {"name": "database"}).graph
    assert graph is not None and [service.key.name for service in graph.services] == ["database"]


def test_one_that_never_was_valid_says_nothing() -> None:
    assert first_seen({}, {"name": "search", "calls": [WRONG]}).graph is None
