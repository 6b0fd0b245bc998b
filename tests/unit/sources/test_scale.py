"""Selectors in their string form, and the scale subresource that tells them."""

import asyncio
from typing import Any, cast

import pytest

from servicegraph.model.refs import WorkloadKey
from servicegraph.model.selectors import EVERYTHING, Operator, Requirement, Selector
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.scale import parse_selector, scale_selector

ROLLOUT = WorkloadKey("shop", "argoproj.io", "Rollout", "search")
ANSWERS: dict[str, Any] = {
    "/apis/argoproj.io": {"preferredVersion": {"groupVersion": "argoproj.io/v1", "version": "v1"}},
    "/apis/argoproj.io/v1": {
        "resources": [{"name": "rollouts", "kind": "Rollout"}, {"name": "rollouts/scale", "kind": "Scale"}]
    },
    "/apis/argoproj.io/v1/namespaces/shop/rollouts/search/scale": {"status": {"selector": "app=search"}},
}


class Told:
    """An API server that says these things."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    async def get(self, path: str) -> Any:
        if path not in self.answers:
            raise ApiError(404, "NotFound", path, None)
        return self.answers[path]


def told(answers: dict[str, Any], key: WorkloadKey = ROLLOUT) -> Selector | None:
    return asyncio.run(scale_selector(cast(ApiClient, Told(answers)), key))


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


@pytest.mark.parametrize(
    "text",
    [
        "=x",
        "app in",
        "app in (a",
        "app=x=y",
        "app x",
        "app in (a))",
        "a,,b",
        "é=x",
        "app=-",
        "app in (a b)",
        "a/b/c",
        "A/b=c",
    ],
)
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a label selector"):
        parse_selector(text)


def test_the_scale_subresource_tells_the_pods() -> None:
    assert told(ANSWERS) == Selector.from_labels({"app": "search"})


@pytest.mark.parametrize("path", ANSWERS)
def test_what_does_not_exist_has_no_pods(path: str) -> None:
    assert told({known: answer for known, answer in ANSWERS.items() if known != path}) is None


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize(
    "answer", [None, [], "x", {"preferredVersion": 7, "resources": 7, "status": 7}, {"status": {"selector": 7}}]
)
def test_an_answer_of_another_shape_is_a_value_error(path: str, answer: Any) -> None:
    with pytest.raises(ValueError, match=r"Expected|Object missing"):
        told({**ANSWERS, path: answer})


@pytest.mark.parametrize("version", ["..", "."])
def test_a_version_that_leads_elsewhere_is_a_value_error(version: str) -> None:
    with pytest.raises(ValueError, match="is no name in the path"):
        told({**ANSWERS, "/apis/argoproj.io": {"preferredVersion": {"version": version}}})
