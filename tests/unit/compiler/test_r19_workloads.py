"""R19: what selects the pods of each kind of workload; labels that the engine does not see."""

import pytest

from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile, Engine
from tests.support.verdict import Pod
from tests.unit.compiler.cluster import Raw, World, app, graph, service, workload

CILIUM = ClusterProfile(engine=Engine(name="Cilium"))


def bound(kind: str, made: Raw, extra: str = "", profile: ClusterProfile | None = None) -> World:
    spec = f"services: [{{name: batch, selects: [{{workload: {{kind: {kind}, name: work{extra}}}}}]}}]"
    return World(made, graph("shop/shop", spec), profile=profile or ClusterProfile())


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_the_selector_of_a_workload_is_used_not_its_template(kind: str) -> None:
    made = workload("shop/work", labels={"app": "work"}, kind=kind)
    made["spec"]["template"]["metadata"]["labels"]["version"] = "7"
    world = bound(kind, made)
    assert world.isolated(Pod("shop", {"app": "work", "version": "8"})) == ("Ingress", "Egress")


def test_expressions_of_a_selector_are_kept() -> None:
    made = workload("shop/work", labels={"app": "work", "tier": "b"})
    made["spec"]["selector"] = {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}
    world = bound("Deployment", made)
    assert world.isolated(Pod("shop", {"tier": "a"})) == ("Ingress", "Egress")
    assert world.isolated(Pod("shop", {"tier": "c"})) == ()


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_jobs_are_selected_by_the_labels_of_their_template_less_generated_ones(kind: str) -> None:
    generated = {"batch.kubernetes.io/controller-uid": "1-2-3", "job-name": "work-1", "controller-uid": "1-2-3"}
    world = bound(kind, workload("shop/work", labels={"app": "work", **generated}, kind=kind))
    (made,) = world.manifests.values()
    assert made["spec"]["podSelector"] == {"matchLabels": {"app": "work"}}


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_a_job_without_labels_of_its_own_has_nothing_stable(kind: str) -> None:
    world = bound(kind, workload("shop/work", labels={"job-name": "work-1"}, kind=kind))
    assert world.compilation.policies == ()
    (problem,) = world.problems(Code.NO_STABLE_LABELS)
    assert problem.severity is Severity.ERROR


def test_kinds_of_others_are_bound_with_their_api_version() -> None:
    rollout = {**workload("shop/work"), "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
    world = bound("Rollout", rollout, ", apiVersion: argoproj.io/v1alpha1")
    assert world.isolated("shop/work") == ("Ingress", "Egress")


def test_a_workload_that_is_not_there_is_told_and_isolates_nothing() -> None:
    world = bound("StatefulSet", workload("shop/work"))
    assert world.compilation.policies == ()
    (problem,) = world.problems(Code.NO_PODS)
    assert problem.path == ".spec.services[0].selects[0]"


HASHED = "services: [{name: web, selects: [{labels: {app: web, pod-template-hash: abc}}]}]"


def test_a_subject_on_a_label_that_the_engine_does_not_see_gives_no_policy() -> None:
    world = World(workload("shop/web"), graph("shop/shop", HASHED), profile=CILIUM)
    assert world.compilation.policies == ()
    (problem,) = world.problems(Code.LABEL_NOT_ENFORCEABLE)
    assert problem.severity is Severity.ERROR
    assert World(workload("shop/web"), graph("shop/shop", HASHED)).codes == set()


def test_the_profile_may_name_the_labels_itself() -> None:
    own = ClusterProfile(engine=Engine(ignores_labels=("build",)))
    spec = "services: [{name: web, selects: [{labels: {build: '7'}}]}]"
    world = World(workload("shop/web"), graph("shop/shop", spec), profile=own)
    assert world.codes == {Code.LABEL_NOT_ENFORCEABLE}
    assert World(workload("shop/web"), graph("shop/shop", HASHED), profile=own).codes == set()


@pytest.mark.parametrize("operator", ["In", "NotIn"])
def test_a_peer_on_such_a_label_gives_no_rule(operator: str) -> None:
    expression = f"{{key: pod-template-hash, operator: {operator}, values: [abc]}}"
    pods = f"{{podSelector: {{matchExpressions: [{expression}]}}}}"
    spec = (
        f"services: [{{name: web, accepts: [{{pods: {pods}, ports: [8080]}}], calls: [{{pods: {pods}, ports: [80]}}]}}]"
    )
    world = World(app("shop/web"), graph("shop/shop", spec), profile=CILIUM)
    assert world.callers("shop/web") == world.callees("shop/web") == set()
    assert len(world.problems(Code.LABEL_NOT_ENFORCEABLE)) == 2


def test_a_service_that_selects_by_such_a_label_is_no_callee() -> None:
    spec = "services: [{name: web, calls: [{service: api}]}]"
    api = service("shop/api", "80", {"app": "api", "controller-revision-hash": "x"})
    world = World(app("shop/web"), api, graph("shop/shop", spec), profile=CILIUM)
    assert world.callees("shop/web") == set()
    assert world.edges() == {"shop/web -> api Unresolved"}
