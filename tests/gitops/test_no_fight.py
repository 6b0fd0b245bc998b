"""Argo CD with self-heal and the operator, side by side: neither writes what the other would take back."""

import json

from tests.contract import spec_examples
from tests.gitops.conftest import Team
from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import policies, status
from tests.integration.operators import Operator
from tests.integration.world import SHOP, app, graph
from tests.waiting import eventually
from tools.cluster.argocd import ArgoCD
from tools.cluster.argocd.commands import CONTROLLER

RESYNCS = 100
OWN = {"applications", "appprojects", "events"}
"""What Argo CD writes for itself: Applications and what is told about them."""


def comparisons(argo: ArgoCD, application: str) -> int:
    """How often Argo CD has compared an Application with git, as its log says."""
    entries = (json.loads(line) for line in argo.log(CONTROLLER).splitlines() if line.startswith("{"))
    done = (e for e in entries if e["msg"] == "Reconciliation completed" and e.get("comparison-level", 0) > 0)
    return sum(entry.get("application") == application for entry in done)


def every_field(namespace: str) -> list[Object]:
    """A graph from every example of docs/spec.md, so that every field is somewhere."""
    return [
        graph(namespace, f"example-{number}", {}) | {"spec": example["spec"]}
        for number, example in enumerate(spec_examples().values())
    ]


def test_over_a_hundred_resyncs_neither_writes_anything(
    kube: Kube, team: Team, argo: ArgoCD, operator: Operator, operators_writes: Audit, argos_writes: Audit
) -> None:
    kube.apply(*app(team.namespace, *SHOP))
    graphs = [graph(team.namespace, "shop", SHOP), *every_field(team.namespace)]
    revision = team.commit(*graphs)
    eventually(lambda: team.application.synced(revision), "it is Synced")
    names = [one["metadata"]["name"] for one in graphs]
    eventually(lambda: all(status(kube, team.namespace, name) for name in names), "the operator has seen them all")
    eventually(lambda: at_rest(operator, operators_writes, team), "the operator has nothing left to write")

    argos_writes.reset()
    compared, resynced = comparisons(argo, team.application.name), reconciles(operator)
    for number in range(RESYNCS):
        team.application.refresh("normal" if number % 10 else "hard")
    eventually(lambda: comparisons(argo, team.application.name) >= compared + RESYNCS, "Argo CD has compared", poll=1)
    eventually(lambda: reconciles(operator) >= resynced + RESYNCS, "the operator has compared")

    assert operators_writes.writes_in(team.namespace) == []
    assert argos_writes.writes_in(team.namespace) == []
    assert {resource for _, resource, _ in argos_writes.writes_anywhere()} <= OWN
    assert team.application.synced(revision)


def reconciles(operator: Operator) -> float:
    return operator.metric("servicegraph_reconcile_seconds_count")


def at_rest(operator: Operator, writes: Audit, team: Team) -> bool:
    """Whether some resyncs went by without a write; forgets those before."""
    writes.reset()
    before = reconciles(operator)
    eventually(lambda: reconciles(operator) >= before + 3, "some resyncs are over")
    return not writes.writes_in(team.namespace)


def test_a_policy_that_somebody_edits_is_the_operators_to_put_back(
    kube: Kube, team: Team, operators_writes: Audit, argos_writes: Audit
) -> None:
    revision = healthy_shop(team)
    before = policies(kube, team.namespace)
    name = before["search"]["metadata"]["name"]
    operators_writes.reset()
    argos_writes.reset()

    kube.patch("NetworkPolicy", team.namespace, name, {"spec": {"ingress": [{}]}})
    eventually(lambda: policies(kube, team.namespace)["search"]["spec"] == before["search"]["spec"], "it is as it was")
    team.application.refresh("hard")
    assert [
        (verb, kind) for verb, kind, _ in operators_writes.writes_in(team.namespace) if kind == "networkpolicies"
    ] == [("patch", "networkpolicies")]
    assert argos_writes.writes_in(team.namespace) == []
    team.application.wait(revision, "Healthy")


def test_a_graph_that_somebody_edits_is_argo_cds_to_put_back_once(
    kube: Kube, team: Team, operators_writes: Audit, argos_writes: Audit
) -> None:
    revision = healthy_shop(team)
    before = policies(kube, team.namespace)
    argos_writes.reset()

    services = [{"name": "frontend", "calls": [{"service": "database"}]}, {"name": "search"}, {"name": "database"}]
    kube.patch("ServiceGraph", team.namespace, "shop", {"spec": {"services": services}})
    eventually(lambda: argos_writes.writes_in(team.namespace), "Argo CD puts it back")
    team.application.wait(revision, "Healthy")
    for _ in range(5):
        team.application.refresh("hard")

    assert argos_writes.writes_in(team.namespace) == [("patch", "servicegraphs", "shop")]
    after = policies(kube, team.namespace)
    assert {name: one["spec"] for name, one in after.items()} == {name: one["spec"] for name, one in before.items()}


def healthy_shop(team: Team) -> str:
    """The shop is there, committed and followed: its revision."""
    team.kube.apply(*app(team.namespace, *SHOP))
    revision = team.commit(graph(team.namespace, "shop", SHOP))
    team.application.wait(revision, "Healthy")
    return revision
