"""Selectors in one canonical form; what the API does not have is refused."""

import pytest

from servicegraph.model.selectors import EVERYTHING, Selector, from_label_selector


def test_two_ways_of_writing_a_selector_are_one() -> None:
    short = from_label_selector({"matchLabels": {"b": "2", "a": "1"}})
    long = {"matchExpressions": [{"key": k, "operator": "In", "values": [v, v]} for k, v in (("b", "2"), ("a", "1"))]}
    assert short == from_label_selector(long) == Selector.from_labels({"a": "1", "b": "2"})
    assert short.to_dict() == {"matchLabels": {"a": "1", "b": "2"}}


def test_contradicting_requirements_are_all_written() -> None:
    both = Selector.from_labels({"a": "1"}).both(Selector.from_labels({"a": "2"}))
    assert from_label_selector(both.to_dict()) == both


@pytest.mark.parametrize("written", [None, {}, {"matchLabels": {}}, {"matchLabels": None, "matchExpressions": []}])
def test_an_empty_selector_selects_everything(written: dict[str, object] | None) -> None:
    assert from_label_selector(written) == EVERYTHING
    assert EVERYTHING.matches({}) and EVERYTHING.to_dict() == {}


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "a", "operator": "Equals", "values": ["1"]},
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "NotIn", "values": []},
        {"key": "a", "operator": "Exists", "values": ["1"]},
    ],
)
def test_what_the_api_refuses_is_refused(expression: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_label_selector({"matchExpressions": [expression]})
