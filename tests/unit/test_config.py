"""What is installed agrees with the program: settings, permissions, versions, and the front page's examples."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from servicegraph.controller.metrics import Metrics
from servicegraph.controller.settings import PREFIX, Settings
from servicegraph.model.profile import STANDARD
from servicegraph.sources.profile import read_profile
from servicegraph.verify.unmodelled import KINDS
from tests.contract import ROOT, sections
from tools.generate import EXAMPLES, render

CONFIG = ROOT / "config"
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
LINK = re.compile(r"\]\((?!https?:)(?P<page>[^)#]+)(?:#(?P<fragment>[^)]*))?\)")


def manifest(path: str) -> dict[str, Any]:
    found: dict[str, Any] = next(yaml.safe_load_all((CONFIG / path).read_text()))
    return found


def container() -> dict[str, Any]:
    found: dict[str, Any] = manifest("manager/deployment.yaml")["spec"]["template"]["spec"]["containers"][0]
    return found


def rules(path: str) -> list[tuple[Any, ...]]:
    return [
        (group, resource, sorted(rule["verbs"]))
        for rule in manifest(path)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]


def test_the_role_of_a_namespace_is_the_cluster_role_less_what_belongs_to_the_cluster() -> None:
    whole, one = rules("rbac/cluster/cluster-role.yaml"), rules("rbac/namespace/role.yaml")
    clusterwide = {"namespaces", "nodes", "servicecidrs"} | {kind.plural for kind in KINDS if not kind.namespaced}
    assert {resource for _, resource, _ in whole if resource not in {r for _, r, _ in one}} == clusterwide
    assert [rule for rule in whole if rule[1] not in clusterwide] == one


def test_every_kind_of_policy_that_the_proof_does_not_know_may_be_listed() -> None:
    allowed = {rule[:2] for rule in rules("rbac/cluster/cluster-role.yaml") if "list" in rule[2]}
    assert {(kind.group, kind.plural) for kind in KINDS} <= allowed


def test_the_page_of_permissions_names_every_resource_that_the_role_does() -> None:
    told = set(re.findall(r"[\w*/]+", (ROOT / "docs" / "permissions.md").read_text()))
    assert {resource for _, resource, _ in rules("rbac/cluster/cluster-role.yaml")} <= told


def test_the_lease_that_the_role_names_is_the_one_that_the_operator_takes() -> None:
    named = [rule["resourceNames"] for rule in manifest("rbac/operator/leader-election.yaml")["rules"][1:]]
    assert named == [[Settings().lease_name]]


def test_the_deployment_sets_variables_that_exist() -> None:
    known = {PREFIX + field.name.upper() for field in msgspec.structs.fields(Settings)}
    assert {variable["name"] for variable in container()["env"]} <= known


def test_probes_and_metrics_are_asked_for_where_the_operator_listens() -> None:
    (port,) = container()["ports"]
    assert port["containerPort"] == Settings().address[1]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container()[probe]["httpGet"]["port"] == port["name"]
    assert manifest("manager/metrics-service.yaml")["spec"]["ports"][0]["targetPort"] == port["name"]


def test_the_profile_that_is_installed_is_the_one_that_render_assumes() -> None:
    assert read_profile(str(CONFIG / "manager" / "profile.yaml")) == STANDARD


def test_the_version_is_the_same_everywhere() -> None:
    for kustomization in ("manager", "argocd/plugin"):
        assert manifest(f"{kustomization}/kustomization.yaml")["images"][0]["newTag"] == VERSION
    assert f"ARG VERSION={VERSION}\n" in (ROOT / "Dockerfile").read_text()
    assert VERSION in (ROOT / "CHANGELOG.md").read_text()
    chart = manifest("helm/Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_image_needs_neither_buildkit_nor_more_than_the_wheels() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert not [line for line in lines if "--mount" in line or "<<" in line or line.startswith("# syntax")]
    assert (ROOT / ".dockerignore").read_text().split() == ["*", "!build/wheels"]


def test_the_front_page_shows_the_example_and_one_of_its_policies() -> None:
    graph, policy = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert graph == (EXAMPLES / "shop" / "servicegraph.yaml").read_text()
    printed, _ = render(EXAMPLES / "shop")
    assert policy in printed.split("---\n")


def test_every_metric_is_explained_and_none_that_is_not_there() -> None:
    metrics = Metrics()
    metrics.watch_staleness(lambda: {"Service": 0.0})
    there = {family.name + ("_total" if family.type == "counter" else "") for family in metrics.registry.collect()}
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `servicegraph_")]
    assert {name for row in rows for name in re.findall(r"`(\w+)", row)} == there


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_front_pages_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text()):
        there = page.parent / link["page"]
        assert there.exists(), link[0]
        assert not link["fragment"] or link["fragment"] in {section.slug for section in sections(there)}, link[0]
