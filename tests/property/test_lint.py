"""Lint answers for every input, in any order, and each finding leads to what it is about."""

import re
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.answers.lint.run import lint
from servicegraph.answers.lint.scene import Open, Scene
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Cluster, Workload
from servicegraph.model.graph import Ignore, PodsParty
from servicegraph.model.policy import Direction, Mode, PodPeer
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import Engine
from tests.property.clusters import PROFILE
from tests.property.compiled import compiled, graphs_of
from tests.property.scenarios import SCENARIOS, Raw, Scenario
from tests.support.verdict import Pod, Verdicts

_ORDERS = st.integers(0, 2**32).map(Random)
_PLUGINS = st.sampled_from((None, "AmazonVPC", "Calico", "Cilium", "Flannel"))
_MESHES = st.sampled_from((None, "Istio", "IstioAmbient", "Linkerd"))
_PROFILES = st.builds(
    lambda plugin, mesh: msgspec.structs.replace(PROFILE, engine=Engine(plugin=plugin), mesh=mesh), _PLUGINS, _MESHES
)
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")


def at(resource: Raw, path: str) -> Any:
    """The value at a JSON path of a resource. Raises LookupError where there is none."""
    value: Any = resource
    for name, index in _STEP.findall(path):
        value = value[name] if name else value[int(index)]
    return value


@given(SCENARIOS, _PROFILES, st.booleans(), _ORDERS)
def test_the_order_of_the_input_means_nothing(scenario: Scenario, profile: Any, complete: bool, random: Random) -> None:
    graphs, cluster, compilation = graphs_of(scenario), scenario.cluster, compiled(scenario)
    parts = {f: tuple(random.sample(getattr(cluster, f), len(getattr(cluster, f)))) for f in cluster.__struct_fields__}
    found = lint(graphs, cluster, profile, compilation, complete=complete)
    assert found == lint(graphs[::-1], Cluster(**parts), profile, compilation, complete=complete)
    assert len(set(found)) == len(found)


@given(SCENARIOS, _PROFILES, st.booleans())
def test_each_finding_leads_to_what_it_is_about(scenario: Scenario, profile: Any, complete: bool) -> None:
    resources = {(g["metadata"]["namespace"], g["metadata"]["name"]): g for g in scenario.graphs}
    for problem in lint(graphs_of(scenario), scenario.cluster, profile, compiled(scenario), complete=complete):
        assert problem.severity is not Severity.ERROR
        if problem.path != ".spec.dns":
            assert at(resources[problem.graph], problem.path)


@given(SCENARIOS, _PROFILES)
def test_what_is_ignored_is_not_found_and_all_else_is(scenario: Scenario, profile: Any) -> None:
    graphs, compilation = graphs_of(scenario), compiled(scenario)
    found = lint(graphs, scenario.cluster, profile, compilation)
    for code in {problem.code for problem in found}:
        silent = [msgspec.structs.replace(g, ignores=(*g.ignores, Ignore(code, None, None))) for g in graphs]
        left: tuple[Problem, ...] = lint(silent, scenario.cluster, profile, compilation)
        assert left == tuple(problem for problem in found if problem.code is not code)


@given(SCENARIOS)
def test_a_call_by_labels_that_is_denied_at_the_other_end_is_half_open(scenario: Scenario) -> None:
    """Held against the verdicts of an evaluator that knows neither lint nor the compiler."""
    graphs, cluster, compilation = graphs_of(scenario), scenario.cluster, compiled(scenario)
    enforced = [manifest(policy) for policy in compilation.policies if policy.mode is Mode.ENFORCE]
    verdicts = Verdicts(enforced, {n.name: n.labels for n in cluster.namespaces})
    silent = [msgspec.structs.replace(graph, ignores=()) for graph in graphs]
    found = lint(silent, cluster, PROFILE, compilation)
    told = {(problem.graph, problem.path) for problem in found if problem.code is Code.HALF_OPEN}
    scene = Scene(graphs, cluster, PROFILE, compilation, complete=False)
    for said in scene.said():
        for opened in scene.opened(said) if isinstance(said.entry.party, PodsParty) else ():
            if said.direction is Direction.EGRESS and _denied(opened, scene, verdicts):
                assert (said.graph.key, said.entry.path) in told


def _denied(opened: Open, scene: Scene, verdicts: Verdicts) -> bool:
    """Whether some known pod that is called does not let some known caller in at the first of the ports."""
    peer, at = opened.flow.peer, opened.at
    if not isinstance(peer, PodPeer) or peer.pods.is_empty or not opened.flow.ports:
        return False
    port = (opened.flow.ports[0].protocol, opened.flow.ports[0].start)
    callers = [pod_of(workload) for workload in scene.pods(at.namespace, at.subject)]
    called = [pod_of(w) for name in scene.namespaces(peer, at.namespace) for w in scene.pods(name, peer.pods)]
    return any(not verdicts.ingress(pod, caller, port) for pod in called for caller in callers if pod != caller)


def pod_of(workload: Workload) -> Pod:
    """A pod of a workload."""
    return Pod(workload.key.namespace, pod_labels(workload), str(workload.key))
