"""The rendered-manifests way: Argo CD's plugin server renders with config/argocd's plugin, as the command line does."""

import json
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from tests.gitops.applications import CONFIG, load
from tests.gitops.conftest import PROGRAMS, Team
from tests.integration.kube import Audit, Kube, Object
from tests.integration.world import SHOP, app, calls, graph
from tests.waiting import eventually
from tools.cluster.argocd import ArgoCD
from tools.cluster.argocd.commands import CMP_SERVER, NAMESPACE

ARGO_CDS = {"argocd.argoproj.io/tracking-id", "kubectl.kubernetes.io/last-applied-configuration"}
"""Annotations that it adds."""


@pytest.fixture
def rendering(kube: Kube, team: Team) -> Iterator[Team]:
    """The team's Application has the plugin render its folder, instead of applying the graphs in it."""
    kube.delete("Application", NAMESPACE, team.namespace)
    made = load(CONFIG / "applications" / "shop.yaml")
    made["metadata"]["name"] = team.namespace
    made["spec"]["project"] = "default"
    made["spec"]["destination"]["namespace"] = team.namespace
    source = {"repoURL": team.repository.url, "targetRevision": "main", "path": team.namespace}
    made["spec"]["source"] = source | {"plugin": {"name": "servicegraph"}}
    kube.apply(made)
    yield team


def commit(team: Team, *graphs: Object) -> str:
    """Commit the manifests of the shop, and graphs."""
    manifests = yaml.safe_dump_all(app(team.namespace, *SHOP))
    team.repository.commit({f"{team.namespace}/app.yaml": manifests})
    return team.commit(*graphs)


def rendered(team: Team, *flags: str) -> "subprocess.CompletedProcess[str]":
    """What the command line makes of the team's folder."""
    command = [str(PROGRAMS / "servicegraph"), "render", ".", "--namespace", team.namespace, *flags]
    return subprocess.run(command, cwd=team.folder, capture_output=True, text=True, check=False)


def printed(argo: ArgoCD) -> list[str]:
    """What the plugin's commands have printed so far, as the plugin server logs it."""
    entries = (json.loads(line) for line in argo.log(CMP_SERVER).splitlines() if line.startswith("{"))
    return [entry["msg"] for entry in entries if entry["level"] == "debug"]


def applied(kube: Kube, namespace: str) -> list[Object]:
    """The policies of a namespace, each as `essence`."""
    return [essence(one) for one in kube.list("NetworkPolicy", namespace)]


def expected(text: str) -> list[Object]:
    """The policies that were printed, likewise, and nothing else was."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    assert {document["kind"] for document in documents} == {"NetworkPolicy"}
    return [essence(one) for one in sorted(documents, key=lambda document: str(document["metadata"]["name"]))]


def essence(policy: Object) -> Object:
    """A policy less what the API server and Argo CD add to it, and less empty lists, which the one leaves out."""
    metadata = policy["metadata"]
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key not in ARGO_CDS}
    spec = {key: value for key, value in policy["spec"].items() if value != []}
    return {"name": metadata["name"], "labels": metadata["labels"], "annotations": annotations, "spec": spec}


def test_the_plugin_renders_what_the_command_line_does(kube: Kube, rendering: Team, argo: ArgoCD) -> None:
    revision = commit(rendering, graph(rendering.namespace, "shop", SHOP))
    rendering.application.wait(revision, "Healthy")
    done = rendered(rendering)
    assert done.returncode == 0
    assert done.stdout in printed(argo)
    assert applied(kube, rendering.namespace) == expected(done.stdout)
    assert kube.list("ServiceGraph", rendering.namespace) == []


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param({"frontend": {"calls": [{"service": "search", "party": "proxy"}]}}, 2, id="unreadable"),
        pytest.param({"frontend": calls("nobody")}, 1, id="an entry gives no rule"),
    ],
)
def test_a_broken_graph_fails_the_sync_and_changes_nothing(
    kube: Kube, rendering: Team, argos_writes: Audit, broken: Object, code: int
) -> None:
    rendering.application.wait(commit(rendering, graph(rendering.namespace, "shop", SHOP)), "Healthy")
    before = applied(kube, rendering.namespace)
    argos_writes.reset()

    commit(rendering, graph(rendering.namespace, "shop", {**SHOP, **broken}))
    eventually(lambda: "ComparisonError" in rendering.application.conditions, "Argo CD shows an error")
    done = rendered(rendering)
    assert done.returncode == code
    assert done.stderr.strip() in rendering.application.conditions["ComparisonError"]
    assert argos_writes.writes_in(rendering.namespace) == []
    assert applied(kube, rendering.namespace) == before

    rendering.application.wait(commit(rendering, graph(rendering.namespace, "shop", SHOP)), "Healthy")
    assert rendering.application.conditions == {}


def test_findings_may_be_let_through(kube: Kube, rendering: Team) -> None:
    parameters = [{"name": "findings", "string": "apply"}]
    plugin = {"name": "servicegraph", "parameters": parameters}
    kube.patch("Application", NAMESPACE, rendering.namespace, {"spec": {"source": {"plugin": plugin}}})
    revision = commit(rendering, graph(rendering.namespace, "shop", {**SHOP, "frontend": calls("search", "nobody")}))
    rendering.application.wait(revision, "Healthy")
    done = rendered(rendering)
    assert done.returncode == 1
    assert applied(kube, rendering.namespace) == expected(done.stdout)
