"""Where nodes stand: namespaces and outside parties in the order of their calls."""

from servicegraph.report.document import Node
from servicegraph.report.placing import place
from tests.unit.report.pictures import edge, outside, service


def test_parallel_edges_are_apart() -> None:
    a, b = service("a"), service("b")
    layout = place([a, b], [edge(a, b), edge(a, b), edge(b, a)])
    assert len({points[0][1] for points in layout.edges[:2]}) == 2


def test_a_caller_outside_stands_left_of_the_namespace_it_calls_into() -> None:
    a, caller, callee = service("a"), outside("internet", "from"), outside("10.0.0.0/8")
    layout = place([a, caller, callee], [edge(caller, a), edge(a, callee)])
    lefts = [layout.nodes[caller.id][0], layout.namespaces["shop"][0], layout.nodes[callee.id][0]]
    assert lefts == sorted(lefts)


def test_nothing_at_all_is_an_empty_picture() -> None:
    nodes: list[Node] = []
    assert place(nodes, []).nodes == {}
