"""explain, diff and impact on a cluster: what is live counts, nothing is written, and what may not be read is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.cli.main import main
from servicegraph.sources import api
from tests.integration.kube import Audit, Kube, Object, path_of
from tests.integration.operators import kubeconfig_of
from tests.integration.support import start_pod
from tests.integration.world import SHOP, app, graph
from tests.unit.bad_input.command import Ran
from tests.waiting import eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

Ask = Callable[..., Ran]
READER = "reader"


@pytest.fixture
def ask(capsysbinary: Any) -> Ask:
    """Runs a command line."""

    def run(*arguments: object) -> Ran:
        capsysbinary.readouterr()
        code = main([str(argument) for argument in arguments])
        printed, said = capsysbinary.readouterr()
        return Ran(code, printed.decode(), said.decode())

    return run


@pytest.fixture
def reader(kube: Kube, account: Path, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig of somebody who may read one namespace, and nothing else."""
    for found in (
        _object("v1", "ServiceAccount", namespace),
        _object("rbac.authorization.k8s.io/v1", "Role", namespace)
        | {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]},
        _object("rbac.authorization.k8s.io/v1", "RoleBinding", namespace)
        | {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": READER},
            "subjects": [{"kind": "ServiceAccount", "name": READER, "namespace": namespace}],
        },
    ):
        group = found["apiVersion"].partition("/")[0]
        root = f"/apis/{found['apiVersion']}" if group != "v1" else "/api/v1"
        kube.call("POST", f"{root}/namespaces/{namespace}/{found['kind'].lower()}s", found)
    kubeconfig = kubeconfig_of(kube, namespace, READER, tmp_path)
    path = path_of("Service", namespace)
    eventually(lambda: Kube(kubeconfig).try_call("GET", path)[0] == 200, "the authorizer knows")
    return kubeconfig


def _object(version: str, kind: str, namespace: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": READER, "namespace": namespace}}


@pytest.fixture
def files(namespace: str, tmp_path: Path) -> Path:
    """The graph of the shop as a file."""
    file = tmp_path / "graph.yaml"
    file.write_text(yaml.safe_dump(graph(namespace, "shop", SHOP)))
    return file


@pytest.fixture
def rendered(kube: Kube, account: Path, namespace: str, files: Path, ask: Ask, tmp_path: Path) -> str:
    """The shop with its policies, applied as `render` prints them, and no graph."""
    objects = app(namespace, *SHOP)
    kube.apply(*objects)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(yaml.safe_dump_all(objects))
    kube.apply(*yaml.safe_load_all(ask("render", files, tmp_path / "app").printed))
    return namespace


def summary(answer: Ran) -> Any:
    assert answer.code == 0, answer.said
    return json.loads(answer.printed)["summary"]


def test_live_policies_are_what_counts(rendered: str, kube: Kube, ask: Ask) -> None:
    question = ("explain", "--kubeconfig", kube.kubeconfig, "-n", rendered, "frontend", "database", "-o", "json")
    assert summary(ask(*question))["outcome"] == "denied"
    for policy in kube.list("NetworkPolicy", rendered):
        kube.delete("NetworkPolicy", rendered, policy["metadata"]["name"])
    kube.apply(graph(rendered, "shop", SHOP))
    assert summary(ask(*question))["outcome"] == "allowed"


def test_rules_of_live_policies_have_the_entries_of_live_graphs(rendered: str, kube: Kube, ask: Ask) -> None:
    kube.apply(graph(rendered, "shop", SHOP))
    answer = ask("explain", "--kubeconfig", kube.kubeconfig, "-n", rendered, "search", "database", "http")
    assert f"for {rendered}/shop: search calls database" in answer.printed
    assert f"NetworkPolicy {rendered}/rendered-sg-search-" in answer.printed
    assert "- {service: database}" in answer.printed


def test_pods_are_known_by_name(rendered: str, kube: Kube, ask: Ask) -> None:
    start_pod(kube, rendered, "search-abc", {"app": "search", "pod-template-hash": "abc"})
    question = ("explain", "--kubeconfig", kube.kubeconfig, "-n", rendered, "-o", "json")
    assert summary(ask(*question, "pod/search-abc", "database"))["outcome"] == "allowed"
    missing = ask(*question, "pod/search-abd", "database")
    assert (missing.code, missing.said) == (
        2,
        f"FROM: error: there is no pod search-abd in {rendered}; near it: pod/search-abc [Invalid]\n",
    )


def test_files_count_as_applied_to_the_cluster(rendered: str, kube: Kube, files: Path, ask: Ask) -> None:
    there = ("--kubeconfig", kube.kubeconfig, "-n", rendered)
    assert ask("diff", files, *there) == (0, "No flow changes.\n", "")
    changed = {**SHOP, "frontend": {"calls": [{"service": "database"}]}}
    files.write_text(yaml.safe_dump(graph(rendered, "shop", changed)))
    answer = ask("diff", files, *there, "--fail-on", "widened")
    assert answer.code == 1
    assert f"added  {rendered}/frontend to {rendered}/database [8080]" in answer.printed
    assert f"removed  {rendered}/frontend to {rendered}/search [8080]" in answer.printed
    question = ("explain", *there, "frontend", "database", "-o", "json")
    assert summary(ask(*question))["outcome"] == "denied"
    assert summary(ask(*question, "-f", files))["outcome"] == "allowed"


def test_the_blast_radius_of_what_is_live(rendered: str, kube: Kube, ask: Ask) -> None:
    found = summary(ask("impact", "--kubeconfig", kube.kubeconfig, "-n", rendered, "frontend", "-o", "json"))
    assert found["after"]["reaches"] == {"direct": 1, "total": 2}


def test_a_whole_cluster_is_read_in_pages(rendered: str, kube: Kube, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAGE_SIZE", 2)
    found = summary(ask("impact", "--kubeconfig", kube.kubeconfig, f"{rendered}/frontend", "-o", "json"))
    assert found["after"]["reaches"]["total"] == 2


def test_who_may_read_one_namespace_asks_about_that(
    rendered: str, control_plane: Cluster, reader: Path, ask: Ask
) -> None:
    assert control_plane.audit_log is not None
    audit = Audit(control_plane.audit_log, f"system:serviceaccount:{rendered}:{READER}")
    answer = ask("explain", "--kubeconfig", reader, "-n", rendered, "frontend", "search", "-o", "json")
    assert summary(answer)["outcome"] == "allowed"
    assert "you may not list nodes" in answer.said
    assert {problem["code"] for problem in json.loads(answer.printed)["problems"]} == {"NotListed"}
    whole = ask("explain", "--kubeconfig", reader, "frontend", "search")
    assert (whole.code, whole.printed) == (2, "")
    assert "you may not list networkpolicies" in whole.said
    assert "name one that you may read with --namespace" in whole.said
    assert audit.writes(rendered) == []


def test_a_cluster_without_the_resource_has_policies_all_the_same(
    rendered: str, control_plane: Cluster, ask: Ask, tmp_path: Path
) -> None:
    with FaultProxy(control_plane) as proxy:
        proxy.inject(Fault(path="/servicegraphs", status=404))
        kubeconfig = proxy.kubeconfig(control_plane.token, tmp_path / "proxy")
        answer = ask("explain", "--kubeconfig", kubeconfig, "-n", rendered, "frontend", "search", "-o", "json")
    assert summary(answer)["outcome"] == "allowed"
    assert "servicegraphs.servicegraph.dev are not installed, so there are none [NotListed]" in answer.said


def test_a_namespace_that_is_not_there(kube: Kube, account: Path, ask: Ask) -> None:
    answer = ask("explain", "--kubeconfig", kube.kubeconfig, "-n", "nowhere", "a", "b")
    assert (answer.code, answer.printed) == (2, "")
    assert answer.said.endswith("there is no namespace nowhere [Invalid]\n")
