"""Answers hold for every graph: held against verdicts on single pods, and against what compiling anew gives."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from servicegraph.answers.diff import diff
from servicegraph.answers.edits import Action, Edit, PolicyEdit, after
from servicegraph.answers.ends import Party, UnknownEndError, example, resolve
from servicegraph.answers.explain import explain
from servicegraph.answers.impact import impact
from servicegraph.answers.reach import Reach
from servicegraph.answers.scene import Scene
from servicegraph.answers.whatif import Question, proposals
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Mode
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.verify.changes import ChangeKind
from servicegraph.verify.ends import Pod as KnownPod
from tests.property.clusters import DNS_KEY, NAMES, PROFILE
from tests.property.compiled import graphs_of
from tests.property.scenarios import SCENARIOS, Scenario
from tests.support.verdict import Pod, Verdicts

_EVERY = [
    {key: value for key, value in zip(("app", "track", "workload", "k8s-app"), values, strict=True) if value}
    for values in product((*NAMES, "w4", None), ("1", "2", None), (*NAMES, "w4", None), ("dns", None))
]
UNNAMED = [("TCP", 12345), ("UDP", 12345)]


def scene_of(scenario: Scenario, graphs: list[Graph] | None = None) -> Scene:
    return Scene(graphs_of(scenario) if graphs is None else graphs, scenario.cluster, PROFILE)


def verdicts_of(scenario: Scenario) -> Verdicts:
    compilation = compile_all(graphs_of(scenario), scenario.cluster, PROFILE)
    manifests = [manifest(p) for p in compilation.policies if p.mode is Mode.ENFORCE]
    return Verdicts(manifests, {n.name: n.labels for n in scenario.cluster.namespaces})


def pods_of(reach: Reach, key: ServiceKey) -> list[KnownPod]:
    return [m.end for m in reach.services[key] if isinstance(m.end, KnownPod) and not m.end.host_network]


def all_pods_of(reach: Reach, scene: Scene, key: ServiceKey) -> list[KnownPod]:
    """Those that are known, and such as may come."""
    coming = [KnownPod(key.namespace, example(term.selector)) for term in scene.subject(key).terms if not term.on_host]
    return [*pods_of(reach, key), *coming]


def any_pods_of(scene: Scene, key: ServiceKey) -> list[KnownPod]:
    """Every pod that a service may have by labels that occur."""
    terms = scene.subject(key).terms
    return [KnownPod(key.namespace, made) for made in _EVERY if any(term.selector.matches(made) for term in terms)]


def ports_of(*several: Verdicts) -> list[tuple[str, int]]:
    """A port of each range that a rule names, and some that none does."""
    found = {
        (port["protocol"], port["port"])
        for verdicts in several
        for policy in verdicts._manifests
        for rule in (*policy["spec"]["ingress"], *policy["spec"]["egress"])
        for port in rule.get("ports", ())
    }
    return [*sorted(found), *UNNAMED]


def flows(
    verdicts: Verdicts, sources: list[KnownPod], targets: list[KnownPod], ports: list[tuple[str, int]]
) -> set[tuple[int, int, Any]]:
    """What passes between pods of two services, by the evaluator that the compiler's own laws are held against."""
    return {
        (n, m, port)
        for (n, a), (m, b), port in product(enumerate(sources), enumerate(targets), ports)
        if verdicts.allowed(Pod(a.namespace, a.labels), Pod(b.namespace, b.labels), port)
    }


def resources_of(scenario: Scenario) -> dict[GraphKey, Any]:
    return {graph.key: raw for graph, raw in zip(graphs_of(scenario), scenario.graphs, strict=True)}


def edges_of(reach: Reach) -> set[tuple[ServiceKey, ServiceKey]]:
    found = {(a, b) for a, _, b in reach.edges()}
    for callers, callees in reach.through_nothing():
        found |= {(a, b) for a, b in product(callers, callees) if a != b}
    return found


@given(SCENARIOS)
def test_the_graph_of_who_reaches_whom_has_every_edge_and_no_other(scenario: Scenario) -> None:
    reach, verdicts = Reach(scene_of(scenario)), verdicts_of(scenario)
    ports = ports_of(verdicts)
    expected = {
        (a, b)
        for a, b in product(reach.services, reach.services)
        if a != b and flows(verdicts, pods_of(reach, a), pods_of(reach, b), ports)
    }
    assert edges_of(reach) == expected


@given(SCENARIOS)
def test_removing_the_call_that_is_named_takes_away_what_is_named(scenario: Scenario) -> None:
    reach, resources = Reach(scene_of(scenario)), resources_of(scenario)
    for service in reach.services:
        before = impact(reach, service)
        for cut in before.cuts:
            origin = cut.via.origin
            if origin is None or ".calls[" not in origin.path:
                continue
            changed = after(resources, [Edit(origin.graph, Action.REMOVE, origin.path, None, "")])
            assert changed is not None
            graphs = [*changed, *(g for g in graphs_of(scenario) if g.key != origin.graph)]
            left = impact(Reach(scene_of(scenario, graphs)), service)
            gone = {r.service for r in before.reaches} - {r.service for r in left.reaches}
            assert gone - {DNS_KEY} == set(cut.services) - {DNS_KEY}


@given(SCENARIOS, st.integers(0, 20), st.integers(0, 20))
def test_every_proposal_does_what_it_says(scenario: Scenario, one: int, other: int) -> None:
    scene = scene_of(scenario)
    parties = list(_parties(scene))
    assume(len(parties) > 1)
    question = _question(scene, parties[one % len(parties)], parties[other % len(parties)])
    before = explain(scene, question.source, question.destination, None)
    resources = resources_of(scenario)
    for proposal in proposals(scene, resources, question, before):
        edits = [edit for edit in proposal.edits if isinstance(edit, Edit)]
        assert not any(isinstance(edit, PolicyEdit) for edit in proposal.edits)
        changed = after(resources, edits)
        assert changed is not None
        names = {graph.key for graph in changed}
        anew = scene_of(scenario, [*changed, *(g for g in graphs_of(scenario) if g.key not in names)])
        ends = resolve(question.source.text, anew, None), resolve(question.destination.text, anew, None)
        assert explain(anew, *ends, None).outcome is proposal.outcome
    assert explain(scene, question.source, question.destination, None) == before


def _parties(scene: Scene) -> Iterator[Party]:
    for key in scene.services():
        try:
            yield resolve(str(key), scene, None)
        except UnknownEndError:
            continue
    yield resolve("198.51.100.7", scene, None)


def _question(scene: Scene, source: Party, destination: Party) -> Question:
    answer = explain(scene, source, destination, None)
    return Question(source, destination, answer.in_question)


@given(SCENARIOS, SCENARIOS)
def test_a_diff_misses_no_flow_and_makes_none_up(old: Scenario, other: Scenario) -> None:
    new = Scenario(other.graphs, old.cluster)
    before, now = scene_of(old), scene_of(new)
    reach, found = Reach(now), diff(before, now)
    was, is_ = verdicts_of(old), verdicts_of(new)
    ports = ports_of(was, is_)

    @cache
    def changed(a: ServiceKey, b: ServiceKey) -> tuple[bool, bool]:
        ends = all_pods_of(reach, now, a), all_pods_of(reach, now, b)
        first, second = flows(was, *ends, ports), flows(is_, *ends, ports)
        return bool(second - first), bool(first - second)

    def may_be_new(a: ServiceKey, b: ServiceKey) -> bool:
        ends = any_pods_of(now, a), any_pods_of(now, b)
        return bool(flows(is_, *ends, ports) - flows(was, *ends, ports))

    gained = any(changed(a, b)[0] for a, b in product(reach.services, reach.services))
    lost = any(changed(a, b)[1] for a, b in product(reach.services, reach.services))
    assert found.widens or not gained
    assert any(not c.kind.more and c.effective for c in found.changes) or not lost
    known = {str(key): key for key in reach.services}
    for change in found.changes:
        source, destination = known.get(change.source), known.get(change.destination)
        if change.effective and source and destination and change.kind is ChangeKind.ADDED:
            assert changed(source, destination)[0] or may_be_new(source, destination), change
