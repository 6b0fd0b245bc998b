"""Files upon a cluster: what both have counts as the files have it, and nothing goes away."""

from typing import Any

import yaml

from servicegraph.sources.documents import parse
from servicegraph.sources.inputs import Input, gather
from servicegraph.sources.overlay import overlay
from tests.integration.world import app, deployment, graph, pod, service


def of(file: str, *objects: dict[str, Any]) -> Input:
    return gather(parse(file, yaml.safe_dump_all(objects)))


def policy(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def test_the_file_wins_where_both_have_an_object() -> None:
    under = of(
        "cluster",
        *app("shop", "search", "database"),
        graph("shop", "shop", {"search": {}}),
        policy("one", podSelector={}),
        policy("two", podSelector={}),
        pod("shop", "p", {"app": "search"}),
    )
    over = of(
        "files",
        service("shop", "search", {"app": "search-v2"}),
        deployment("shop", "frontend"),
        graph("shop", "shop", {"search": {}, "frontend": {}}),
        policy("two", podSelector={"matchLabels": {"a": "b"}}),
        pod("shop", "p", {"app": "other"}),
    )
    both = overlay(under, over)
    assert {s.key.name: s.selector.labels() if s.selector else None for s in both.cluster.services} == {
        "database": {"app": "database"},
        "search": {"app": "search-v2"},
    }
    assert sorted(w.key.name for w in both.cluster.workloads) == ["database", "frontend", "search"]
    assert [[s.key.name for s in g.services] for g in both.graphs] == [["search", "frontend"]]
    assert [found.file for found in both.documents.values()] == ["files"]
    assert [(found.data["metadata"]["name"], found.file) for found in both.policies] == [
        ("one", "cluster"),
        ("two", "files"),
    ]
    assert [found.labels for found in both.pods] == [{"app": "other"}]


def test_errors_of_both_are_kept() -> None:
    broken = gather(parse("x.yaml", "a: [\n"))
    assert [error.file for error in overlay(broken, broken).errors] == ["x.yaml", "x.yaml"]
