"""All findings together: silencing, the examples, and that each is explained and tried."""

import re
from pathlib import Path

import pytest

from servicegraph.answers.lint.run import lint
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import STANDARD
from servicegraph.sources import inputs
from servicegraph.sources.profile import read_profile
from tests.unit.answers.lint.found import find, on
from tests.unit.compiler.cluster import app, graph

ROOT = Path(__file__).parents[4]
LINT = ROOT / "operator" / "servicegraph" / "answers" / "lint"
CODES = sorted({code for file in LINT.glob("*.py") for code in re.findall(r"Code\.(\w+)", file.read_text())})
EXAMPLES = sorted(folder.parent for folder in (ROOT / "examples").glob("*/servicegraph.yaml"))
TOWN = [*app("shop/search"), *app("shop/database", "5432")]
CALLS = "calls: [{pods: {labels: {app: database}}, ports: [5432]}]"


def examined(example: Path) -> tuple[Problem, ...]:
    found = inputs.read([str(example)])
    own = example / "profile.yaml"
    profile = read_profile(str(own)) if own.exists() else STANDARD
    compilation = compile_all(found.graphs, found.cluster, profile)
    return lint(found.graphs, found.cluster, profile, compilation)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda folder: folder.name)
def test_the_examples_are_well(example: Path) -> None:
    found = examined(example)
    assert [problem for problem in found if problem.severity is not Severity.INFO] == []
    assert {p.code for p in found} <= {Code.NODES_NOT_MATCHED, Code.SERVICE_SELECTOR_DIFFERS}


@pytest.mark.parametrize(
    ("ignores", "found"),
    [
        ("", ["a", "b"]),
        ("ignores: [{code: HalfOpen}],", []),
        ("ignores: [{code: HalfOpen, service: a, reason: known}],", ["b"]),
        ("ignores: [{code: MatchesNothing}],", ["a", "b"]),
    ],
)
def test_a_graph_silences_what_it_knows(ignores: str, found: list[str]) -> None:
    town = [*TOWN, *app("shop/a"), *app("shop/b")]
    services = f"{{name: a, {CALLS}}}, {{name: b, {CALLS}}}, {{name: database}}"
    told = find(town, graph("shop/shop", f"{{{ignores} services: [{services}]}}"))
    places = {"a": ".spec.services[0].calls[0]", "b": ".spec.services[1].calls[0]"}
    assert [p.path for p in told] == [places[name] for name in found]


def test_a_graph_does_not_silence_another() -> None:
    one = graph("shop/one", f"{{ignores: [{{code: HalfOpen}}], services: [{{name: search, {CALLS}}}]}}")
    other = graph("shop/other", f"{{services: [{{name: other, {CALLS}}}, {{name: database}}]}}")
    told = find(TOWN, app("shop/other"), one, other)
    assert {str(p.graph) for p in told} == {"shop/other"}


def test_findings_of_a_graph_are_silenced_without_a_service() -> None:
    spec = "{ignores: [{code: NotEnforced}], services: [{name: search}]}"
    assert find(TOWN, graph("shop/shop", spec), profile=on("Flannel")) == ()


@pytest.mark.parametrize("name", CODES)
def test_each_finding_is_tried(name: str) -> None:
    tests = [file.read_text() for file in Path(__file__).parent.glob("test_*.py")]
    assert any(f"Code.{name}" in text for text in tests)


def test_findings_come_by_graph_and_the_worst_first() -> None:
    anywhere = "{name: database, accepts: [{cidr: 0.0.0.0/0, except: [10.244.0.0/16, 10.96.0.0/16], ports: [1]}]}"
    two = [graph(f"shop/{name}", f"{{services: [{{name: {name}, {CALLS}}}]}}") for name in ("search", "b")]
    town = [*TOWN, *app("shop/b")]
    one, other = (find(town, *order, graph("shop/z", f"{{services: [{anywhere}]}}")) for order in (two, two[::-1]))
    assert one == other
    assert [str(p.graph) for p in one] == sorted(str(p.graph) for p in one)
