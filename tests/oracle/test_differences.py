"""differences.yaml holds: what an engine misreads it still misreads, and put in other words it agrees."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.oracle.casefile import load
from tests.oracle.cases import Case, Question
from tests.oracle.compare import Engines, decide

ENTRIES = yaml.safe_load(Path(__file__).with_name("differences.yaml").read_text())
SHOWN = [entry for entry in ENTRIES if "case" in entry]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_it_says_why(entry: Mapping[str, Any]) -> None:
    assert {"what", "because", "instead"} <= set(entry)
    assert entry["kind"] == "open" or "case" in entry


@pytest.mark.parametrize("entry", SHOWN, ids=lambda entry: entry["id"])
def test_it_is_still_so(entry: Mapping[str, Any], engines: Engines) -> None:
    case, question = _asked(entry)
    assert _word(all(decide(case, [question])[question])) == entry["ours"]
    assert _as_it_is(engines, entry["engine"], case, question) == entry["theirs"]


@pytest.mark.parametrize("entry", [e for e in SHOWN if e["kind"] == "misread"], ids=lambda entry: entry["id"])
def test_it_is_gone_round(entry: Mapping[str, Any], engines: Engines) -> None:
    case, question = _asked(entry)
    assert not engines.by_nca(case, [question])
    assert not engines.by_cyclonus(case, [question])


def _asked(entry: Mapping[str, Any]) -> tuple[Case, Question]:
    return load(entry["id"], entry["case"]), Question(*entry["question"])


def _as_it_is(engines: Engines, name: str, case: Case, question: Question) -> str:
    try:
        if name == engines.nca.name:
            return _word(engines.nca.allowed(case, [question], as_written=True)[0])
        return _word(all(engines.cyclonus.halves(case, [question], as_written=True)[0]))
    except RuntimeError:
        return "refused"


def _word(allowed: bool) -> str:
    return "allowed" if allowed else "denied"
