"""docs/problems.md lists every code, in order, with the severities that it has."""

import re
from pathlib import Path

import yaml

from servicegraph.model.problems import Code, Severity

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "problems.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def severities(code: str) -> set[str]:
    found = re.search(r"^Severity: (.*)\.$", SECTIONS[code], re.MULTILINE)
    assert found is not None, code
    return set(found[1].split(", "))


def test_every_code_is_explained_in_order() -> None:
    assert list(SECTIONS) == sorted((code.value for code in Code), key=str.lower)


def test_every_section_has_a_severity_an_example_and_advice() -> None:
    for code, body in SECTIONS.items():
        assert severities(code) <= {severity.value for severity in Severity}, code
        (example,) = re.findall(r"```yaml\n(.*?)```", body, re.DOTALL)
        assert isinstance(yaml.safe_load(example), dict), code
        assert "\nWhat to do: " in body, code


def test_severities_are_those_that_were_seen() -> None:
    seen = {
        (code, severity)
        for said in (ROOT / "tests" / "golden").glob("*/problems.txt")
        for severity, code in re.findall(r": (error|warning|info): .* \[(\w+)\]$", said.read_text(), re.MULTILINE)
    }
    assert len(seen) > 15
    assert {(code, severity) for code, severity in seen if severity not in severities(code)} == set()
