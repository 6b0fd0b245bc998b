"""Blocks of YAML that every reader understands alike; comments that stay comments."""

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicegraph.report.blocks import block, commented_out, comments

NUMBERS = ["1e3", "0x1F", "0b1", "0o17", "012", "1_000", "1.5", "12e03", "1:20", "2026-11-22", ".5", ".inf", "5.", "+1"]
WORDS = ["y", "N", "yes", "Off", "null", "~", "", "=", "<<"]
MARKS = ["- a", "a: b", "a #b", "'", '"', "*a", "&a", "!a", "{", "[", "%", "@", "`", " a "]
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("text", NUMBERS + WORDS + MARKS)
def test_text_that_other_readers_take_for_something_else_is_quoted(text: str) -> None:
    written = block({"label": text})
    assert yaml.safe_load(written) == {"label": text}
    assert written.startswith(("label: '", 'label: "')), written


@unhurried
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.lists(st.text())))
def test_what_is_written_is_read_back_at_any_indentation(value: dict[str, Any]) -> None:
    assert yaml.safe_load(block(value)) == value
    assert yaml.safe_load("a:\n" + block(value, 2)) == {"a": value or {}}


def test_shared_values_are_written_out() -> None:
    shared = {"a": ["b"]}
    assert block([shared, shared]) == "- a:\n  - b\n- a:\n  - b\n"


@unhurried
@given(st.lists(st.text()), st.integers(0, 4))
def test_whatever_stands_in_a_comment_it_means_nothing(lines: list[str], indent: int) -> None:
    assert yaml.safe_load(comments(lines, indent)) is None


def test_long_comments_are_wrapped_and_complete() -> None:
    words = [f"word{number}" for number in range(60)]
    written = comments([" ".join(words)], 2)
    assert all(len(line) <= 110 for line in written.splitlines())
    assert written.startswith("  # word0 ")
    assert "\n  #   word" in written
    assert written.replace("#", "").split() == words


def test_a_long_name_is_not_cut() -> None:
    assert "x" * 200 in comments([f"a calls {'x' * 200}"])


def test_a_document_can_be_commented_out() -> None:
    assert commented_out("a:\n  b: c\n") == "# a:\n#   b: c\n"
