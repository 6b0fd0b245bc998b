"""R9: terms of two services that match the same workload widen each other, and are told."""

from servicegraph.model.cluster import DrainingTerm, Listening
from servicegraph.model.problems import Code, Severity
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from tests.unit.compiler.cluster import World, graph, workload

BOTH = """
services:
  - {name: web, selects: [{labels: {app: web}}]}
  - {name: canary, selects: [{labels: {track: canary}}]}
"""


def test_a_workload_that_two_services_select_is_an_overlap_at_both() -> None:
    world = World(workload("shop/web", labels={"app": "web", "track": "canary"}), graph("shop/shop", BOTH))
    found = world.problems(Code.SELECTOR_OVERLAP)
    assert {p.path for p in found} == {".spec.services[0]", ".spec.services[1]"}
    assert {p.severity for p in found} == {Severity.WARNING}
    assert not world.problems(Code.POSSIBLE_OVERLAP)


def test_selectors_that_could_meet_and_do_not_are_a_possible_overlap() -> None:
    world = World(workload("shop/web"), workload("shop/c", labels={"track": "canary"}), graph("shop/shop", BOTH))
    assert not world.problems(Code.SELECTOR_OVERLAP)
    assert {p.severity for p in world.problems(Code.POSSIBLE_OVERLAP)} == {Severity.INFO}


def test_selectors_that_cannot_meet_are_nothing() -> None:
    spec = "services: [{name: a, selects: [{labels: {app: a}}]}, {name: b, selects: [{labels: {app: b}}]}]"
    assert World(workload("shop/a"), workload("shop/b"), graph("shop/shop", spec)).codes == set()


def test_services_of_two_graphs_overlap_too_and_those_of_two_namespaces_do_not() -> None:
    one = graph("shop/one", "services: [{name: web, selects: [{labels: {app: web}}]}]")
    two = graph("shop/two", "services: [{name: copy, selects: [{labels: {app: web}}]}]")
    world = World(workload("shop/web"), one, two)
    assert {p.graph.name for p in world.problems(Code.SELECTOR_OVERLAP)} == {"one", "two"}
    elsewhere = graph("other/two", "services: [{name: copy, selects: [{labels: {app: web}}]}]")
    assert World(workload("shop/web"), workload("other/web"), one, elsewhere).codes == set()


def test_two_terms_of_one_service_may_meet() -> None:
    spec = "services: [{name: web, selects: [{labels: {app: web}}, {labels: {track: canary}}]}]"
    assert World(workload("shop/web", labels={"app": "web", "track": "canary"}), graph("shop/s", spec)).codes == set()


def test_labels_that_one_service_left_and_another_took_overlap_while_they_drain() -> None:
    spec = """
    services:
      - {name: old, selects: [{labels: {app: new}}]}
      - {name: heir, selects: [{labels: {app: old}}]}
    """
    former = DrainingTerm(ServiceKey("shop", "old"), Selector.from_labels({"app": "old"}), Listening())
    world = World(workload("shop/new"), workload("shop/old"), graph("shop/shop", spec), draining=[former])
    assert len(world.problems(Code.SELECTOR_OVERLAP)) == 2
