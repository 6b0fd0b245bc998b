"""The alerts and the operator's metrics, as Prometheus' own promtool sees them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from servicegraph.controller.metrics import Metrics
from tests.contract import ROOT
from tools.debian import unpacked

RULES = ROOT / "config" / "monitoring" / "rules.yaml"
CASES = Path(__file__).with_name("alerts.yaml")


@pytest.fixture(scope="module")
def program() -> Path:
    installed = shutil.which("promtool")
    return Path(installed) if installed else unpacked("prometheus") / "usr" / "bin" / "promtool"


def run(program: Path, *arguments: str | Path, given: str = "") -> str:
    done = subprocess.run([program, *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_reads_the_rules(program: Path) -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert f"{len(rules)} rules found" in run(program, "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_alerts_fire_when_they_should_and_only_then(program: Path, tmp_path: Path) -> None:
    rules, cases = yaml.safe_load(RULES.read_text()), yaml.safe_load(CASES.read_text())
    for rule in rules["groups"][0]["rules"]:
        del rule["annotations"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    cases["rule_files"] = ["rules.yaml"]
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(cases))
    run(program, "test", "rules", tmp_path / "cases.yaml")


def test_every_alert_is_seen_to_fire_and_to_keep_still() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    checks = [check for case in yaml.safe_load(CASES.read_text())["tests"] for check in case["alert_rule_test"]]
    seen = {(check["alertname"], bool(check.get("exp_alerts"))) for check in checks}
    assert seen == {(rule["alert"], fires) for rule in rules for fires in (True, False)}


def test_what_an_operator_exposes_is_what_prometheus_wants(program: Path) -> None:
    run(program, "check", "metrics", given=Metrics().exposition().decode())
