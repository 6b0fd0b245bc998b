"""Selectors in their string form."""

import pytest

from servicegraph.model.selectors import EVERYTHING, Operator, Requirement, Selector
from servicegraph.sources.scale import parse_selector


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("app=search", [Requirement("app", Operator.IN, ("search",))]),
        ("app==search", [Requirement("app", Operator.IN, ("search",))]),
        ("app!=search", [Requirement("app", Operator.NOT_IN, ("search",))]),
        ("app=", [Requirement("app", Operator.IN, ("",))]),
        ("env in (b, a)", [Requirement("env", Operator.IN, ("a", "b"))]),
        ("env notin (a)", [Requirement("env", Operator.NOT_IN, ("a",))]),
        ("canary", [Requirement("canary", Operator.EXISTS)]),
        ("!canary", [Requirement("canary", Operator.DOES_NOT_EXIST)]),
        ("in in (in)", [Requirement("in", Operator.IN, ("in",))]),
        (
            "app.kubernetes.io/name=search, env in (a,b),!canary,tier",
            [
                Requirement("app.kubernetes.io/name", Operator.IN, ("search",)),
                Requirement("env", Operator.IN, ("a", "b")),
                Requirement("canary", Operator.DOES_NOT_EXIST),
                Requirement("tier", Operator.EXISTS),
            ],
        ),
    ],
)
def test_what_the_api_server_writes_is_read(text: str, requirements: list[Requirement]) -> None:
    assert parse_selector(text) == Selector.of(requirements)


def test_nothing_selects_everything() -> None:
    assert parse_selector("") == EVERYTHING


@pytest.mark.parametrize("text", ["=x", "app in", "app in (a", "app=x=y", "app x", "app in (a))", "a,,b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a label selector"):
        parse_selector(text)
