"""What config/argocd makes of an installation of Argo CD, and the Applications it begins with."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import ROOT
from tests.integration.kustomize import build, of_kind

ARGOCD = ROOT / "config" / "argocd"
WAVE = "argocd.argoproj.io/sync-wave"
INSTALLATION = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data: {url: "https://argocd.example.com"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-repo-server}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: argocd-repo-server}}
  template:
    metadata: {labels: {app.kubernetes.io/name: argocd-repo-server}}
    spec:
      containers:
        - name: argocd-repo-server
          image: argocd
          volumeMounts: [{name: plugins, mountPath: /home/argocd/cmp-server/plugins}]
      volumes: [{name: var-files, emptyDir: {}}, {name: plugins, emptyDir: {}}]
"""
"""What of Argo CD's own manifests is patched."""


@pytest.fixture
def installed(tmp_path: Path) -> list[dict[str, Any]]:
    """The kustomization of docs/gitops.md."""
    page = (ROOT / "docs" / "gitops.md").read_text()
    (text,) = re.findall(r"```yaml\n# argocd/kustomization\.yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "argocd").mkdir()
    (tmp_path / "argocd" / "install.yaml").write_text(INSTALLATION)
    (tmp_path / "argocd" / "kustomization.yaml").write_text(text)
    (tmp_path / "servicegraph").symlink_to(ROOT)
    return build(tmp_path / "argocd")


def test_an_installation_gets_the_health_checks_and_keeps_what_it_has(installed: list[dict[str, Any]]) -> None:
    data = next(o for o in of_kind(installed, "ConfigMap") if o["metadata"]["name"] == "argocd-cm")["data"]
    key = "resource.customizations.health."
    assert data == {
        "url": "https://argocd.example.com",
        f"{key}servicegraph.dev_ServiceGraph": (ARGOCD / "health" / "servicegraph.lua").read_text(),
        f"{key}argoproj.io_Application": (ARGOCD / "waves" / "application.lua").read_text(),
    }


def test_the_values_for_the_chart_say_the_same(installed: list[dict[str, Any]]) -> None:
    data = next(o for o in of_kind(installed, "ConfigMap") if o["metadata"]["name"] == "argocd-cm")["data"]
    for folder in ("health", "waves"):
        values = yaml.safe_load((ARGOCD / folder / "values.yaml").read_text())
        assert list(values) == ["configs"]
        assert values["configs"]["cm"].items() <= data.items()


def test_the_repo_server_gets_the_plugin_beside_it(installed: list[dict[str, Any]]) -> None:
    (deployment,) = of_kind(installed, "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    plugin = next(container for container in pod["containers"] if container["name"] == "servicegraph")
    assert plugin["image"] == "registry.example.com/platform/servicegraph:0.1.0"
    assert plugin["securityContext"]["runAsUser"] == 999
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in plugin["volumeMounts"]} == set(volumes)
    config = next(o for o in of_kind(installed, "ConfigMap") if o["metadata"]["name"] != "argocd-cm")
    assert volumes["servicegraph-plugin"]["configMap"]["name"] == config["metadata"]["name"]
    assert config["data"] == {"plugin.yaml": (ARGOCD / "plugin" / "plugin.yaml").read_text()}
    assert config["metadata"]["namespace"] == deployment["metadata"]["namespace"] == "argocd"


def test_the_operator_comes_after_its_crd_which_nothing_removes() -> None:
    objects = build(ARGOCD / "operator")
    (crd,) = of_kind(objects, "CustomResourceDefinition")
    assert crd["metadata"]["annotations"][WAVE] == "-1"
    assert crd["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    others = [found for found in objects if found is not crd]
    assert sorted(others, key=str) == sorted(build(ROOT / "config" / "default"), key=str)


def test_graphs_come_a_wave_after_the_operator() -> None:
    waves = {
        (found["kind"], found["metadata"]["name"]): int(found["metadata"]["annotations"][WAVE])
        for found in build(ARGOCD / "applications")
    }
    assert waves == {("AppProject", "shop"): 0, ("Application", "servicegraph"): 0, ("Application", "shop"): 1}


def test_every_application_leads_to_a_folder_of_this_repository() -> None:
    applications = of_kind(build(ARGOCD / "applications"), "Application")
    applications.append(yaml.safe_load((ARGOCD / "root.yaml").read_text()))
    sources = [found["spec"]["source"] for found in applications]
    assert {os.path.relpath(ROOT / source["path"], ARGOCD) for source in sources} == {
        "applications",
        "operator",
        "../../examples/shop",
    }
    assert all((ROOT / source["path"] / source.get("directory", {}).get("include", "")).exists() for source in sources)
    assert len({source["repoURL"] for source in sources}) == 1


def test_a_teams_project_allows_graphs_in_its_namespace_and_nothing_else() -> None:
    (project,) = of_kind(build(ARGOCD / "applications"), "AppProject")
    assert project["spec"]["namespaceResourceWhitelist"] == [{"group": "servicegraph.dev", "kind": "ServiceGraph"}]
    assert "clusterResourceWhitelist" not in project["spec"]
    assert [destination["namespace"] for destination in project["spec"]["destinations"]] == ["shop"]
