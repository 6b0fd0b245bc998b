"""Alerts and dashboard ask for metrics, labels and values that the operator has, and are documented."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from servicegraph.controller.metrics import Metrics
from servicegraph.model.compilation import EdgeState
from servicegraph.model.problems import Severity
from tests.contract import ROOT

MONITORING = ROOT / "config" / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())

TARGET = {"namespace", "pod", "instance"}
"""What Prometheus adds to every sample of a pod."""

VALUES = {
    "condition": {"Ready", "Reconciling", "Stalled", "EdgesResolved", "Verified"},
    "state": set(EdgeState),
    "severity": set(Severity),
}
METRIC = re.compile(r"\b(servicegraph_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")


def exposed() -> dict[str, set[str]]:
    """The labels of each time series that the operator has, by its name; the client checks the labels set here."""
    metrics = Metrics()
    metrics.watch_staleness(lambda: {"Service": 1.0})
    metrics.writes.labels(resource="networkpolicies", verb="create", result="ok").inc()
    metrics.api_errors.labels(status="403").inc()
    metrics.graphs.labels(condition="Ready", status="True").set(1)
    metrics.edges.labels(state="Active").set(1)
    metrics.problems.labels(severity="error").set(1)
    families = text_string_to_metric_families(metrics.exposition().decode())
    found: dict[str, set[str]] = {}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels)
    return {name: labels for name, labels in found.items() if not name.endswith("_created")}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]


@pytest.mark.parametrize("expression", [pytest.param(expr, id=name) for name, expr in expressions()])
def test_an_expression_asks_for_what_there_is(expression: str) -> None:
    there = exposed()
    asked = METRIC.findall(expression)
    assert asked
    labels = set(TARGET)
    for metric, selector in asked:
        assert metric in there
        labels |= there[metric]
        for label, value in MATCHER.findall(selector):
            assert label in there[metric] | TARGET, label
            assert value in VALUES.get(label, {value}), value
    for grouping in GROUPING.findall(expression):
        assert {name.strip() for name in grouping.split(",")} <= labels


def test_what_an_alert_or_a_legend_says_is_in_its_result() -> None:
    for rule in RULES:
        kept = {name.strip() for group in GROUPING.findall(rule["expr"]) for name in group.split(",")}
        kept |= exposed().get(METRIC.findall(rule["expr"])[0][0], set()) if not kept else set()
        said = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert said <= kept, rule["alert"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            kept = {name.strip() for group in GROUPING.findall(target["expr"]) for name in group.split(",")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_the_dashboard_shows_every_metric() -> None:
    shown = {
        metric for panel in DASHBOARD["panels"] for t in panel["targets"] for metric, _ in METRIC.findall(t["expr"])
    }
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed()}
    assert {re.sub(r"_bucket$", "", name) for name in shown} == families


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for grid in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert grid["x"] + grid["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_the_page_of_operations_explains_every_alert() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert re.findall(r"^\| `(ServiceGraph\w+)` ", page, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_every_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        for page in re.findall(r"docs/\S+\.md", rule["annotations"]["description"]):
            assert (ROOT / page).exists()
