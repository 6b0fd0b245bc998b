"""Alerts and dashboard ask for metrics, labels and values that the operator has, and are documented."""

import json
import re
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from servicegraph.controller.metrics import Metrics
from servicegraph.model.compilation import EdgeState
from servicegraph.model.problems import Severity
from tests.contract import ROOT
from tests.support.promql import UnknownError, labels, names, parsed, told

MONITORING = ROOT / "config" / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]

TARGET = {"namespace", "pod", "instance"}
"""What Prometheus adds to every sample of a pod."""

VALUES = {
    "condition": frozenset({"Ready", "Reconciling", "Stalled", "EdgesResolved", "Verified"}),
    "status": frozenset({"True", "False", "Unknown", "403"}),
    "state": frozenset(EdgeState),
    "severity": frozenset(Severity),
}

EXPRESSIONS = [pytest.param(rule["expr"], str(rule["annotations"]), id=rule["alert"]) for rule in RULES] + [
    pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']} {target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]


def series() -> dict[str, frozenset[str]]:
    """What a replica exposes, scraped: the labels set here are those that the operator sets, the client checks that."""
    metrics = Metrics()
    metrics.watch_staleness(lambda: {"Service": 1.0})
    metrics.writes.labels(resource="networkpolicies", verb="create", result="ok").inc()
    metrics.api_errors.labels(status="403").inc()
    metrics.graphs.labels(condition="Ready", status="True").set(1)
    metrics.edges.labels(state="Active").set(1)
    metrics.problems.labels(severity="error").set(1)
    families = text_string_to_metric_families(metrics.exposition().decode())
    samples = [sample for family in families for sample in family.samples if not sample.name.endswith("_created")]
    return {sample.name: frozenset(sample.labels) | TARGET for sample in samples}


@pytest.mark.parametrize(("expression", "text"), EXPRESSIONS)
def test_an_expression_asks_for_what_there_is_and_its_text_for_what_it_gives(expression: str, text: str) -> None:
    assert told(text) <= labels(parsed(expression), series(), VALUES)


@pytest.mark.parametrize(
    "wrong",
    [
        "servicegraph_leaders",
        'servicegraph_edges{phase="Active"}',
        'servicegraph_edges{state="Live"}',
        "sum by (kind) (servicegraph_edges)",
        "histogram_quantile(0.9, sum by (le) (rate(servicegraph_leader[5m])))",
        "servicegraph_leader and on (kind) servicegraph_policies",
    ],
)
def test_an_expression_that_asks_for_something_else_is_found(wrong: str) -> None:
    with pytest.raises(UnknownError):
        labels(parsed(wrong), series(), VALUES)


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for panel in PANELS for target in panel["targets"] for name in names(parsed(target["expr"]))}
    assert {name for name in series() if not name.endswith(("_sum", "_count"))} == shown


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len({panel["title"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for grid in (panel["gridPos"] for panel in PANELS):
        across, down = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
        cells = {(x, y) for x in across for y in down}
        assert across.stop <= 24
        assert not cells & taken
        taken |= cells


def test_the_page_of_operations_explains_every_alert() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(ServiceGraph\w+)` \| (\w+) ", page, re.MULTILINE)
    assert rows == [(rule["alert"], rule["labels"]["severity"]) for rule in RULES]


def test_every_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        for page in re.findall(r"docs/\S+\.md", rule["annotations"]["description"]):
            assert (ROOT / page).exists()


def minutes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mh])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"m": 1, "h": 60}[unit]


def test_a_burst_of_failures_that_is_over_raises_no_alert() -> None:
    """An increase is seen for as long as its window is, so an alert has to wait for longer."""
    windows = {rule["alert"]: re.findall(r"increase\(\S+\[(\w+)\]\)", rule["expr"]) for rule in RULES}
    assert sum(map(len, windows.values())) == 2
    for rule in RULES:
        assert all(minutes(rule["for"]) > minutes(window) for window in windows[rule["alert"]])
