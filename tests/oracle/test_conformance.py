"""The truth tables of Kubernetes' own tests for network plugins (conformance/): verify/ and both engines agree."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.model.ports import Protocol
from tests.oracle.casefile import load
from tests.oracle.cases import Case, Question
from tests.oracle.compare import Engines, decide

TESTS = [
    pytest.param(test, id=f"{file.stem}: {test['test']}")
    for file in sorted(Path(__file__).with_name("conformance").glob("*.yaml"))
    for test in yaml.safe_load(file.read_text())
]
UPSTREAM = 48
"""Tests in that file of Kubernetes v1.36.3."""


def test_all_are_here() -> None:
    assert len(TESTS) == UPSTREAM


@pytest.mark.parametrize("test", TESTS)
def test_truth_table(test: Mapping[str, Any], engines: Engines) -> None:
    for step in test["steps"]:
        case = _case(test, step)
        expected = dict(_expected(step))
        assert {question: all(answer) for question, answer in decide(case, list(expected)).items()} == expected
        assert not engines.by_nca(case, list(expected))
        assert not engines.by_cyclonus(case, list(expected))


def _case(test: Mapping[str, Any], step: Mapping[str, Any]) -> Case:
    """Pods are labelled by their name, and name a port by its number and protocol."""
    ports = {
        f"serve-{number}-{protocol.lower()}": f"{protocol} {number}"
        for protocol, number in map(str.split, test["listen"])
    }
    labels = {pod: {"pod": pod.partition("/")[2]} for pod in test["pods"]} | step.get("labels", {})
    written = {
        "namespaces": step.get("namespaces", {}),
        "pods": {pod: {"labels": labels[pod], "ports": ports} for pod in test["pods"]},
        "addresses": step.get("addresses", {}).values(),
        "policies": step["policies"],
    }
    return load(test["test"], written)


def _expected(step: Mapping[str, Any]) -> Iterator[tuple[Question, bool]]:
    addresses = step.get("addresses", {})
    for table in step["tables"]:
        protocol: Protocol
        protocol, port = table["port"].split()
        header, *rows = map(str.split, table["allowed"].splitlines())
        for source, *cells in rows:
            for destination, cell in zip(header[1:], cells, strict=True):
                assert cell in (".", "X", "-")
                if cell != "-":
                    end = addresses.get(destination, destination)
                    yield Question(source, end, protocol, int(port)), cell == "."
