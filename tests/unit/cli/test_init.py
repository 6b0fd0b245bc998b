"""`servicegraph init` as its users meet it, on the examples and on an application that has a bit of everything."""

import itertools
import json
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicegraph.answers.scene import Scene
from servicegraph.model.graph import Graph, PodsParty, ServiceParty
from servicegraph.model.profile import STANDARD
from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import NAMESPACE_LABEL
from servicegraph.sources import inputs
from tests.unit.bad_input.command import Ran
from tests.unit.cli.asking import ROOT, answered, expected, ran

EXAMPLES = ("bank", "bookinfo", "shop", "sock-shop")
HARBOUR = "tests/unit/adopt/applications/harbour"

UNSEEN = {"bank": {"Deployment bank/gateway calls Deployment bank/accounts-canary"}}
"""The canary's labels are such that no Service leads to it yet: there is no such call before somebody changes them."""
UNGRAPHED = {"sock-shop": {"Deployment monitoring/prometheus calls StatefulSet sock-shop/rabbitmq"}}
"""No graph is about the scraper; init writes one for it too."""


def started(capture: Any, *arguments: str) -> Ran:
    found = ran(capture, "init", *arguments)
    assert found.code == 0, found.said
    return found


def calls(graphs: Iterable[Graph], scene: Scene) -> set[tuple[WorkloadKey, WorkloadKey]]:
    """Who calls whom, by workload: however the services are cut and named."""
    found: set[tuple[WorkloadKey, WorkloadKey]] = set()
    for service in (service for graph in graphs for service in graph.services):
        own = workloads(scene, service.key)
        for entry in service.calls:
            if isinstance(entry.party, ServiceParty):
                found.update(itertools.product(own, workloads(scene, entry.party.key)))
            elif isinstance(entry.party, PodsParty):
                spaces = entry.party.namespaces
                place = spaces.labels()[NAMESPACE_LABEL] if spaces else service.key.namespace
                found.update(itertools.product(own, (w.key for w in scene.matching(place, entry.party.pods))))
    return found


def workloads(scene: Scene, key: Any) -> list[WorkloadKey]:
    return [w.key for term in scene.subject(key).terms for w in scene.matching(key.namespace, term.selector)]


def known(*names: str) -> tuple[set[tuple[WorkloadKey, WorkloadKey]], inputs.Input]:
    found = inputs.read(names)
    assert not found.errors
    return calls(found.graphs, Scene(found.graphs, found.cluster, STANDARD)), found


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("example", EXAMPLES)
def test_it_finds_every_call_of_the_examples(example: str, tmp_path: Path, capsysbinary: Any) -> None:
    app, graph = f"examples/{example}/app.yaml", tmp_path / "graph.yaml"
    graph.write_text(started(capsysbinary, app).printed)
    committed, _ = known(app, f"examples/{example}/servicegraph.yaml")
    drafted, _ = known(app, str(graph))
    assert {f"{a} calls {b}" for a, b in committed - drafted} == UNSEEN.get(example, set())
    assert {f"{a} calls {b}" for a, b in drafted - committed} == UNGRAPHED.get(example, set())


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("app", [*(f"examples/{name}/app.yaml" for name in EXAMPLES), f"{HARBOUR}/app.yaml"])
def test_what_it_writes_compiles_without_errors(app: str, tmp_path: Path, capsysbinary: Any) -> None:
    graph = tmp_path / "graph.yaml"
    graph.write_text(started(capsysbinary, app).printed)
    rendered = ran(capsysbinary, "render", app, str(graph))
    assert rendered.code == 0, rendered.said


@pytest.mark.usefixtures("at_root")
def test_an_application_with_a_bit_of_everything(capsysbinary: Any) -> None:
    found = started(capsysbinary, HARBOUR)
    assert found.printed == expected("init-harbour.yaml")
    assert found.said == ""


@pytest.mark.usefixtures("at_root")
def test_the_order_of_the_documents_means_nothing_but_for_their_lines(tmp_path: Path, capsysbinary: Any) -> None:
    documents = list(yaml.safe_load_all((ROOT / HARBOUR / "app.yaml").read_text()))
    backwards = tmp_path / "app.yaml"
    backwards.write_text(yaml.safe_dump_all(reversed(documents)))
    first, second = (list(yaml.safe_load_all(started(capsysbinary, str(f)).printed)) for f in (HARBOUR, backwards))
    assert first == second


@pytest.mark.usefixtures("at_root")
def test_json_is_as_the_schema_says_and_the_same_as_the_yaml(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "init", HARBOUR)
    graphs = list(yaml.safe_load_all(started(capsysbinary, HARBOUR).printed))
    assert [item["graph"] for item in whole["items"]] == graphs
    assert whole["summary"]["graphs"] == len(graphs)
    assert whole["summary"]["calls"] == sum(len(s.get("calls", ())) for g in graphs for s in g["spec"]["services"])


@pytest.mark.usefixtures("at_root")
def test_what_is_proposed_is_valid_once_the_hash_is_taken_away(capsysbinary: Any) -> None:
    text = started(capsysbinary, "examples/shop/app.yaml").printed
    lines = [line.replace("# ", "", 1) if line.startswith("    # ") else line for line in text.splitlines()]
    opened = yaml.safe_load("\n".join(x for x in lines if "review:" not in x and "seen in" not in x))
    frontend = next(s for s in opened["spec"]["services"] if s["name"] == "frontend")
    assert frontend["accepts"] == [{"anywhere": True, "ports": ["http"]}]


@pytest.mark.usefixtures("at_root")
def test_a_namespace_that_has_a_graph_is_left_alone(tmp_path: Path, capsysbinary: Any) -> None:
    ran_out = ran(capsysbinary, "init", "examples/shop")
    assert (ran_out.code, ran_out.printed) == (2, "")
    assert "every namespace has a ServiceGraph" in ran_out.said
    both = started(capsysbinary, "examples/shop", "examples/bookinfo/app.yaml")
    assert [g["metadata"]["namespace"] for g in yaml.safe_load_all(both.printed)] == ["bookinfo"]
    assert "shop has this ServiceGraph" in both.said


def test_nothing_to_write_a_graph_for(tmp_path: Path, capsysbinary: Any) -> None:
    found = ran(capsysbinary, "init", str(tmp_path))
    assert (found.code, found.printed) == (2, "") and "there is no workload" in found.said


def test_a_broken_part_that_only_init_reads_is_named_with_its_line(tmp_path: Path, capsysbinary: Any) -> None:
    app = tmp_path / "app.yaml"
    app.write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {a: b}}\n"
        "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - args: 5\n"
    )
    found = ran(capsysbinary, "init", str(app))
    assert (found.code, found.printed) == (2, "")
    assert found.said.startswith(f"{app}:10:"), found.said
    assert "expected a list" in found.said


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 70000, True, "", "x", "http://db:5432", [], ["x"], [None], {}, {"x": 1}, [{}]]
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a document but what says which kind it is."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [place for key, item in below for place in places(item, (*at, key))]
    return inner if at in ((), ("apiVersion",), ("kind",)) else [at, *inner]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_manifests_there_is_an_answer_or_a_place(
    data: st.DataObject, tmp_path: Path, capsysbinary: Any
) -> None:
    documents = list(yaml.safe_load_all((ROOT / HARBOUR / "app.yaml").read_text()))
    for _ in range(data.draw(st.integers(1, 3))):
        document = data.draw(st.sampled_from(documents))
        *path, last = data.draw(st.sampled_from(places(document)))
        inner = document
        for step in path:
            inner = inner[step]
        inner[last] = deepcopy(data.draw(ODD))
    app = tmp_path / "app.yaml"
    app.write_text(yaml.safe_dump_all(documents))
    found = ran(capsysbinary, "init", str(app))
    if found.code == 0:
        graph = tmp_path / "graph.yaml"
        graph.write_text(found.printed)
        assert ran(capsysbinary, "render", str(app), str(graph)).code == 0
    else:
        assert (found.code, found.printed) == (2, "")
        assert str(app) in found.said


def test_secrets_are_not_read(tmp_path: Path, capsysbinary: Any) -> None:
    app = tmp_path / "app.json"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"URL": "http://db:1"}}
    pod = {"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "s"}}]}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    db = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"selector": {"x": "y"}}}
    app.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, web, db]}))
    printed = started(capsysbinary, str(app)).printed
    assert "service: db" not in printed and "Secret s was not read" in printed
