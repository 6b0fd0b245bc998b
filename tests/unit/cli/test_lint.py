"""`servicegraph lint` as its users meet it."""

import json
from pathlib import Path
from typing import Any

import pytest

from servicegraph.cli.main import main
from tests.unit.bad_input.command import Ran
from tests.unit.cli.schema import violations

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "lint.schema.json").read_text())
BANK = str(ROOT / "examples" / "bank")
HEAD = "apiVersion: servicegraph.dev/v1alpha1\nkind: ServiceGraph\nmetadata: {name: shop, namespace: shop}\nspec:\n"
WIDE = "  services:\n  - name: search\n    calls:\n    - {cidr: 64.0.0.0/2, ports: [443]}\n"
APP = (ROOT / "examples" / "shop" / "app.yaml").read_text()


def run(capture: Any, *arguments: str) -> Ran:
    capture.readouterr()
    code = main(["lint", *arguments])
    printed, said = capture.readouterr()
    return Ran(code, printed.decode(), said.decode())


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A folder with one warning: an address block that is too wide."""
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "graph.yaml").write_text(HEAD + WIDE)
    return tmp_path


def test_a_finding_is_a_line_on_stdout(capsysbinary: Any, wide: Path) -> None:
    ran = run(capsysbinary, str(wide))
    assert ran.code == 1
    (line,) = ran.printed.splitlines()
    assert line.startswith(f"{wide / 'graph.yaml'}:8: warning: 64.0.0.0/2 is 1/4 of all addresses")
    assert line.endswith("[WideCIDR]")
    assert "ProfileIncomplete" in ran.said
    assert "WideCIDR" not in ran.said


def test_nothing_found_is_nothing_printed(capsysbinary: Any) -> None:
    ran = run(capsysbinary, str(ROOT / "examples" / "shop"))
    assert (ran.code, ran.printed) == (0, "")


def test_what_is_good_to_know_counts_only_when_strict(capsysbinary: Any) -> None:
    arguments = (BANK, "--profile", f"{BANK}/profile.yaml")
    ran = run(capsysbinary, *arguments)
    assert ran.code == 0
    assert "info: Cilium and GKE Dataplane V2" in ran.printed
    assert run(capsysbinary, *arguments, "--strict").code == 1


def test_the_profile_names_the_plugin(capsysbinary: Any, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    written = (Path(BANK) / "profile.yaml").read_text()
    profile.write_text(written.replace("engine: {name: NetworkPolicy}", "engine: {plugin: Calico}"))
    assert run(capsysbinary, BANK, "--profile", str(profile)).printed == ""
    profile.write_text(written.replace("engine: {name: NetworkPolicy}", "engine: {plugin: Cilium}"))
    ran = run(capsysbinary, BANK, "--profile", str(profile))
    assert ran.code == 1
    assert "warning: Cilium and GKE Dataplane V2" in ran.printed


def test_a_graph_silences_and_a_reason_explains(capsysbinary: Any, wide: Path) -> None:
    graph = wide / "graph.yaml"
    graph.write_text(f"{HEAD}  ignores: [{{code: WideCIDR, service: search}}]\n{WIDE}")
    assert run(capsysbinary, str(wide)).printed == ""
    graph.write_text(HEAD + WIDE.replace("[443]", "[443], reason: a partner's, SEC-3"))
    assert run(capsysbinary, str(wide)).printed == ""


def test_an_entry_without_a_rule_is_an_error_all_the_same(capsysbinary: Any, wide: Path) -> None:
    (wide / "graph.yaml").write_text(HEAD + "  services: [{name: search, calls: [{service: gone}]}]\n")
    ran = run(capsysbinary, str(wide))
    assert (ran.code, ran.printed) == (1, "")
    assert "[CalleeNotFound]" in ran.said


@pytest.mark.parametrize("code", [1, 0], ids=["findings", "none"])
def test_json_is_as_the_schema_says(capsysbinary: Any, wide: Path, code: int) -> None:
    folder = wide if code else ROOT / "examples" / "shop"
    ran = run(capsysbinary, str(folder), "-o", "json")
    whole = json.loads(ran.printed)
    assert violations(whole, SCHEMA) == []
    assert ran.code == code
    assert [item["code"] for item in whole["items"]] == ["WideCIDR"] * code
    assert whole["summary"] == {"errors": 0, "warnings": code, "infos": 0}
    assert whole["problems"]


def test_sarif_holds_findings_and_problems(capsysbinary: Any, wide: Path) -> None:
    (wide / "graph.yaml").write_text(HEAD + WIDE + "    - {service: gone}\n")
    ran = run(capsysbinary, str(wide), "-o", "sarif")
    (log,) = json.loads(ran.printed)["runs"]
    told = {(result["ruleId"], result["level"]) for result in log["results"]}
    assert {("WideCIDR", "warning"), ("CalleeNotFound", "error"), ("DNSAssumed", "note")} <= told
    place = log["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == (wide / "graph.yaml").as_uri()
    assert place["region"] == {"startLine": 8}
    assert ran.code == 1


def test_policies_alone_are_nothing_to_look_at(capsysbinary: Any) -> None:
    ran = run(capsysbinary, str(ROOT / "examples" / "shop" / "rendered.yaml"))
    assert (ran.code, ran.printed) == (2, "")
    assert "there is no ServiceGraph" in ran.said


def test_input_that_cannot_be_read_is_refused(capsysbinary: Any, tmp_path: Path) -> None:
    (tmp_path / "graph.yaml").write_text(HEAD + "  services: [{name: search, cals: []}]\n")
    ran = run(capsysbinary, str(tmp_path))
    assert (ran.code, ran.printed) == (2, "")
    assert f"{tmp_path / 'graph.yaml'}:5" in ran.said
    ran = run(capsysbinary, str(tmp_path / "missing"))
    assert (ran.code, ran.printed) == (2, "")
    assert "missing" in ran.said
