"""When a declared call counts as cut by a policy."""

import json
from pathlib import Path

import pytest

from tests.e2e.counts import Count, counted, is_cut, report
from tests.e2e.load import Summary


def count(failed: int, covered: bool = True) -> Count:
    outcomes = {"answered": 1000 - failed, "timeout": failed}
    summary = Summary("tcp://search:80", 1000, 1000 - failed, failed, 3, 1200, outcomes, None, None, ())
    return counted("a change", covered, True, [summary])


@pytest.mark.parametrize(
    ("covered", "without", "cut"),
    [(0, 0, False), (1, 0, True), (0, 5, False), (2, 1, False), (55, 56, False), (30, 5, True)],
)
def test_a_call_is_cut_where_it_would_not_fail_without_policies(covered: int, without: int, cut: bool) -> None:
    assert is_cut(count(covered), count(without, covered=False)) is cut


def test_the_table_and_the_file_have_every_count(tmp_path: Path) -> None:
    file = tmp_path / "build" / "load.json"
    text = report([count(7), count(0, covered=False)], file)
    assert [row["failed"] for row in json.loads(file.read_text())] == [7, 0]
    assert "993" in text and "1200 ms" in text
