"""Ports: named ones with differing numbers, ranges, UDP, workloads that keep their names, and jobs that call."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import MakeStage
from tests.e2e.ends import Ends
from tests.e2e.pods import Role, pod_spec
from tests.e2e.scenarios import Scenario, scenarios
from tests.e2e.stage import Stage
from tests.integration.kube import Object, path_of
from tests.integration.look import settled
from tests.waiting import PATIENCE, eventually

SCENARIOS = (
    Scenario(
        "a named port with another number in each of two workloads behind one Service",
        """
        services:
          - {name: caller, calls: [{service: web}]}
          - {name: web}
        """,
        ("caller > stable: 8080", "caller > canary: 8081", "caller > dns"),
    ),
    Scenario(
        "UDP and TCP under one number",
        """
        services:
          - {name: caller, calls: [{service: resolver, ports: [53/UDP]}]}
          - {name: resolver}
        """,
        ("caller > resolver: 5353/UDP", "caller > dns"),
    ),
    Scenario(
        "everything that a Service exposes",
        "services: [{name: caller, calls: [{service: resolver}]}, {name: resolver}]",
        ("caller > resolver: 5353/UDP, 8080", "caller > dns"),
    ),
    Scenario(
        "a StatefulSet behind a headless Service",
        """
        services:
          - {name: caller, calls: [{service: store}]}
          - {name: store, calls: [{service: store, ports: [peers]}]}
        """,
        ("caller > store: 8080, 7000", "store > store: 7000", "caller, store > dns"),
    ),
    Scenario(
        "DNS for a service that calls nothing",
        "services: [{name: caller, dns: Always}, {name: resolver}]",
        ("caller > dns",),
    ),
    Scenario(
        "no DNS for a service that calls by address",
        "services: [{name: caller, dns: Never, calls: [{service: resolver}]}, {name: resolver}]",
        ("caller > resolver: 5353/UDP, 8080",),
    ),
)


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    roles = [
        Role(name="caller"),
        Role(name="stable", app="web", tcp={"http": 8080}, more="8081", replicas=1),
        Role(name="canary", app="web", tcp={"http": 8081}, more="8080", replicas=1, exposes={}),
        Role(name="ranged", tcp={"http": 8080}, more="9000-9003", replicas=1),
        Role(name="resolver", udp={"dns": 5353}, exposes={"dns": 53, "http": 80}),
        Role(
            name="store",
            kind="StatefulSet",
            tcp={"http": 8080, "peers": 7000},
            exposes={"http": 8080, "peers": 7000},
            service={"clusterIP": "None"},
        ),
        Role(name="plain", replicas=1),
    ]
    stage = make_stage(roles)
    stage.expect_all_open()
    return stage


@scenarios(SCENARIOS)
def test_ports(stage: Stage, scenario: Scenario) -> None:
    stage.play(scenario.graph, *scenario.allowed)


@pytest.fixture
def ranged(stage: Stage) -> Callable[[int, int], str]:
    """What a range of ports opens here, as a line says it.

    Asked of the plugin with a policy that nobody compiled: Cilium before 1.16 opens the first port of a range alone.
    https://github.com/cilium/cilium/issues/16622
    """
    meta = {"name": "plain", "namespace": stage.namespaces[""]}
    rule = {"ports": [{"protocol": "TCP", "port": 8080, "endPort": 9090}]}
    spec = {"podSelector": {"matchLabels": {"app": "plain"}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    stage.clear()
    stage.kube.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
    found = stage.ends()
    ends = Ends(found.sources, tuple(t for t in found.targets if any(role == "plain" for role, _ in t.arrivals)))
    whole, first = "* > plain: 8080-9090", "* > plain: 8080"
    enforced: list[str] = []

    def is_enforced() -> bool:
        enforced[:] = [line for line in (whole, first) if stage.is_so(line, ends=ends)]
        return bool(enforced)

    eventually(is_enforced, "the plugin enforces a range")
    stage.kube.delete("NetworkPolicy", meta["namespace"], "plain")
    return lambda low, high: f"{low}-{high}" if enforced == [whole] else f"{low}"


def test_ranges(stage: Stage, ranged: Callable[[int, int], str]) -> None:
    """A range is one of pod ports, of a service and of any other party, over either protocol."""
    stage.play(
        """
        services:
          - {name: caller, calls: [{service: ranged, ports: [9000-9002]}]}
          - {name: ranged}
        """,
        f"caller > ranged: {ranged(9000, 9002)}",
        "caller > dns",
    )
    stage.play(
        """
        services:
          - {name: caller, calls: [{pods: {labels: {app: ranged}}, ports: [9001-9003/UDP]}]}
          - name: ranged
            accepts: [{pods: {labels: {app: caller}}, ports: [9001-9002/UDP]}, {anywhere: true, ports: [9000-9001]}]
        """,
        f"caller > ranged: {ranged(9001, 9002)}/UDP",
        f"others > ranged: {ranged(9000, 9001)}",
        "caller > dns",
    )


def test_a_cron_job_calls_what_its_graph_says(stage: Stage) -> None:
    """Its pods are new in every run: policies hold for them from their first packet on."""
    namespace = stage.namespaces[""]
    stage.clear()
    stage.expect_all_open()
    template = _calling(stage, "resolver", "plain", "store")
    assert _outcomes(stage, "before", template) == ["answered", "answered", "answered"]
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": template}}
    meta = {"name": "report", "namespace": namespace}
    stage.kube.apply({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec})
    stage.play(
        """
        services:
          - name: report
            selects: [{workload: {kind: CronJob, name: report}}]
            calls: [{service: resolver}, {service: store, ports: [peers]}]
          - {name: resolver}
          - {name: store}
        """
    )
    eventually(lambda: settled(stage.kube, namespace, "graph"), "the graph has seen the CronJob")
    job = stage.kube.get("CronJob", namespace, "report")
    assert job is not None
    assert _outcomes(stage, "after", job["spec"]["jobTemplate"]["spec"]) == ["answered", "timeout", "timeout"]


def _calling(stage: Stage, *callees: str) -> Object:
    """A Job that calls port 8080 of a pod of each role, by address, and prints what came of it."""
    urls = {
        role: target.url
        for target in stage.ends().targets
        for role, port in target.arrivals
        if target.protocol == "TCP" and port == 8080 and not target.by_service
    }
    called = [urls[callee] for callee in callees]
    pod = {**pod_spec("call", "--timeout=5s", "--tries=3", *called), "restartPolicy": "Never"}
    return {"backoffLimit": 0, "template": {"metadata": {"labels": {"app": "report"}}, "spec": pod}}


def _outcomes(stage: Stage, name: str, spec: Object) -> list[str]:
    """What the calls of a Job of this specification came to, in their order."""
    kube, namespace = stage.kube, stage.namespaces[""]
    kube.apply(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace}, "spec": spec}
    )
    eventually(lambda: _succeeded(stage, name), f"the job {name} is done", PATIENCE, 0.5)
    labels = {"job-name": name}.items()
    pod = next(p for p in kube.list("Pod", namespace) if labels <= p["metadata"]["labels"].items())
    results = kube.call("GET", f"{path_of('Pod', namespace, pod['metadata']['name'])}/log")
    return [result["outcome"] for result in results]


def _succeeded(stage: Stage, name: str) -> bool:
    job = stage.kube.get("Job", stage.namespaces[""], name)
    return job is not None and job["status"].get("succeeded") == 1
