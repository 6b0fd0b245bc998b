"""The graphs that are measured have the sizes and the skew that the budgets speak of."""

from collections import Counter
from statistics import median

import msgspec
import pytest

from benchmarks.degrees import edges_of
from benchmarks.graphs import make
from benchmarks.shape import HALF, HUB, LARGE, SMALL, Shape
from servicegraph.compiler.parse import parse
from servicegraph.sources.objects import decode

MOST_BYTES = 1.5 * 1024 * 1024


@pytest.mark.parametrize(
    ("shape", "per_service"), [(Shape(200), 6.2), (SMALL, 6.2), (HALF, 9.7), (LARGE, 10.8)], ids=lambda v: str(v)[:20]
)
def test_degrees(shape: Shape, per_service: float) -> None:
    calls = edges_of(shape)
    fan_out = sorted(len(callees) for callees in calls if callees)
    fan_in = Counter(callee for callees in calls for callee in callees)
    assert sum(fan_out) / shape.services == pytest.approx(per_service, rel=0.02)
    assert 0.1 <= 1 - len(fan_in) / shape.services <= 0.15
    assert 1 - len(fan_out) / shape.services == pytest.approx(0.4, abs=0.01)
    assert median(fan_out) == 4
    assert fan_out[int(len(fan_out) * 0.99)] == pytest.approx(90, rel=0.1)
    assert median(fan_in.values()) == 2
    hub = min(shape.services // 10, 500)
    assert hub * 0.9 <= max(fan_in.values()) <= hub


@pytest.mark.parametrize("shape", [Shape(200), HUB], ids=["small", "hub"])
def test_no_call_twice_and_none_to_itself(shape: Shape) -> None:
    for caller, callees in enumerate(edges_of(shape)):
        assert len(set(callees)) == len(callees)
        assert caller not in callees


def test_one_hub_has_fourteen_thousand_callers() -> None:
    fan_in = Counter(callee for callees in edges_of(HUB) for callee in callees)
    (_, most), (_, second) = fan_in.most_common(2)
    assert most == 14_000
    assert second <= 500


def test_the_same_seed_gives_the_same_objects() -> None:
    assert make(Shape(200)) == make(Shape(200))
    assert make(Shape(200)).graphs != make(Shape(200, seed=2)).graphs


@pytest.mark.parametrize("namespaces", [False, True])
def test_every_object_is_one_that_a_cluster_would_take(namespaces: bool) -> None:
    objects = make(Shape(300, namespaces=namespaces))
    assert all(decode(raw) is not None for raw in (*objects.namespaces, *objects.services, *objects.workloads))
    assert [parse(raw).problems for raw in objects.graphs] == [()] * 3
    assert len(objects.namespaces) == (3 if namespaces else 1)
    kinds = {raw["kind"] for raw in objects.workloads}
    assert kinds == {"Deployment", "StatefulSet"}


def test_graphs_fit_into_objects() -> None:
    graphs = make(LARGE).graphs
    assert len(graphs) == 185
    assert max(len(msgspec.json.encode(graph)) for graph in graphs) < MOST_BYTES
