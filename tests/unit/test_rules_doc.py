"""docs/rules.md has a heading for every rule, and every rule that is compiled has tests named after it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = [int(number) for number in re.findall(r"^## R(\d+)\. ", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE)]
NOT_IN_THIS_VERSION = {16}


def test_the_rules_stand_in_order() -> None:
    assert list(range(1, 21)) == RULES


def test_every_rule_has_tests_of_its_own() -> None:
    named = {int(path.name[6:8]) for path in (ROOT / "tests" / "unit" / "compiler").glob("test_r[0-9][0-9]_*.py")}
    assert named == set(RULES) - NOT_IN_THIS_VERSION


def test_code_names_only_rules_that_there_are() -> None:
    sources = (ROOT / "operator").rglob("*.py")
    named = {int(n) for path in sources for n in re.findall(r"\bR(\d{1,2})\b", path.read_text())}
    assert named <= set(RULES)
