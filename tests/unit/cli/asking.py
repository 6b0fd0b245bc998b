"""Runs a command as a user would, in this process, on folders that say what they are about."""

import json
from pathlib import Path
from typing import Any

from servicegraph.cli.main import main
from tests.unit.bad_input.command import Ran
from tests.unit.cli.schema import violations

ROOT = Path(__file__).parents[3]
EXPECTED = Path(__file__).parent / "expected"


def ran(capture: Any, *arguments: str) -> Ran:
    """Run it with pytest's capsysbinary."""
    capture.readouterr()
    code = main(list(arguments))
    printed, said = capture.readouterr()
    return Ran(code, printed.decode(), said.decode())


def answered(capture: Any, command: str, *arguments: str) -> Any:
    """The JSON that a command prints; it is as its schema says."""
    whole = json.loads(ran(capture, command, *arguments, "-o", "json").printed)
    schema = json.loads((ROOT / "docs" / "schemas" / f"{command}.schema.json").read_text())
    assert violations(whole, schema) == []
    return whole


def expected(name: str) -> str:
    """A text as it should be printed."""
    return (EXPECTED / name).read_text()
