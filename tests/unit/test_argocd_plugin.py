"""The plugin that renders for Argo CD: its own command, as Argo CD's sidecar runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import ROOT
from tools.generate import EXAMPLES, render

PLUGIN: dict[str, Any] = yaml.safe_load((ROOT / "config" / "argocd" / "plugin" / "plugin.yaml").read_text())
PROGRAMS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def generated(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the plugin answers for a folder, given the variables that Argo CD sets."""
    command = [*PLUGIN["spec"]["generate"]["command"], *PLUGIN["spec"]["generate"]["args"]]
    env = {**os.environ, "PATH": PROGRAMS, **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in ("app.yaml", "servicegraph.yaml"):
        shutil.copy(EXAMPLES / "shop" / name, tmp_path)
    return tmp_path


def break_a_port(folder: Path) -> None:
    graph = folder / "servicegraph.yaml"
    graph.write_text(graph.read_text().replace("{service: search}", "{service: search, ports: [nowhere]}"))


def test_it_prints_the_very_bytes_of_the_command_line(shop: Path) -> None:
    found = generated(shop, ARGOCD_APP_NAMESPACE="shop")
    assert (found.returncode, found.stdout) == (0, render(EXAMPLES / "shop")[0])


def test_objects_without_a_namespace_go_where_the_application_goes(shop: Path) -> None:
    for file in shop.iterdir():
        file.write_text(file.read_text().replace("namespace: shop", "x: y"))
    found = generated(shop, ARGOCD_APP_NAMESPACE="elsewhere")
    assert {policy["metadata"]["namespace"] for policy in yaml.safe_load_all(found.stdout)} == {"elsewhere"}


def test_an_entry_that_gives_no_rule_stops_the_sync_with_its_problem(shop: Path) -> None:
    break_a_port(shop)
    found = generated(shop)
    assert found.returncode == 1
    assert "servicegraph.yaml:8" in found.stderr
    assert "PortNotFound" in found.stderr


def test_the_rest_is_applied_where_the_application_says_so(shop: Path) -> None:
    break_a_port(shop)
    found = generated(shop, PARAM_FINDINGS="apply")
    assert found.returncode == 0
    assert len(list(yaml.safe_load_all(found.stdout))) == 3


@pytest.mark.parametrize("findings", ["stop", "apply"])
def test_what_cannot_be_read_stops_the_sync_whatever_is_said(findings: str, shop: Path) -> None:
    (shop / "servicegraph.yaml").write_text("spec: [")
    found = generated(shop, PARAM_FINDINGS=findings)
    assert (found.returncode, found.stdout) == (2, "")
    assert "servicegraph.yaml:" in found.stderr


def test_profile_and_engine_are_the_applications_to_name(shop: Path) -> None:
    (shop / "our profile.yaml").write_text(
        "apiVersion: servicegraph.dev/v1alpha1\nkind: ClusterProfile\ndns: {addresses: [169.254.20.10]}\n"
    )
    assert "169.254.20.10/32" in generated(shop, PARAM_PROFILE="our profile.yaml").stdout
    assert generated(shop, PARAM_ENGINE="nothing").returncode == 2
    graph = shop / "servicegraph.yaml"
    graph.write_text(graph.read_text() + "      calls: [{fqdn: example.com, ports: [443]}]\n")
    assert generated(shop).returncode == 1
    assert "CiliumNetworkPolicy" in generated(shop, PARAM_ENGINE="cilium").stdout


def test_what_an_application_says_is_no_part_of_the_script(shop: Path) -> None:
    generated(shop, PARAM_PROFILE="x; touch made", PARAM_ENGINE="$(touch made)", ARGOCD_APP_NAMESPACE="`touch made`")
    assert not (shop / "made").exists()


def test_every_parameter_is_announced_and_used() -> None:
    (script,) = PLUGIN["spec"]["generate"]["args"]
    announced = {f"PARAM_{parameter['name'].upper()}" for parameter in PLUGIN["spec"]["parameters"]["static"]}
    assert announced == {
        word.split("}")[0].split(":")[0] for word in script.split("${")[1:] if word.startswith("PARAM")
    }
    assert "discover" not in PLUGIN["spec"], "a folder with graphs may be meant for the operator"
