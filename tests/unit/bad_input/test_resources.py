"""A graph that is wrong by itself is refused with its line and what to write, and nothing is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.bad_input.command import Ran, run

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "resources.yaml").read_text())
HEADER = """\
apiVersion: servicegraph.dev/v1alpha1
kind: ServiceGraph
metadata: {name: g, namespace: a}
spec:
"""


def graph(spec: str) -> str:
    return HEADER + "".join(f"  {line}\n" for line in spec.splitlines())


def refused(ran: Ran) -> list[str]:
    assert (ran.code, ran.printed) == (2, "")
    return ran.said.splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_refused_with_its_line_and_what_to_write(case: dict[str, Any], capsysbinary: Any, in_folder: Path) -> None:
    text = graph(case["spec"])
    Path("input.yaml").write_text(text)
    said = refused(run(capsysbinary, "input.yaml"))
    column = text.splitlines()[case["line"] - 1].rindex(case["at"]) + 1
    pattern = rf"input\.yaml:{case['line']}:{column}: error: .*{case['message']}.* \[Invalid\]"
    assert [line for line in said if re.fullmatch(pattern, line)], said


def test_there_are_as_many_cases_as_promised() -> None:
    assert len(CASES) >= 40


def test_every_wrong_graph_is_told_at_once(capsysbinary: Any, in_folder: Path) -> None:
    Path("a.yaml").write_text(graph("mode: x"))
    Path("b.yaml").write_text(graph("services: [{name: a, calls: [{}, {}]}]") + "---\n" + graph("dns: x"))
    said = refused(run(capsysbinary, "."))
    assert [line.split(": error: ")[0] for line in said] == ["a.yaml:5:3", "b.yaml:5:32", "b.yaml:5:36", "b.yaml:11:3"]
