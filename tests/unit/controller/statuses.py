"""Statuses as the operator writes them, of graphs and outcomes that a test makes up."""

from typing import Any

from servicegraph.compiler.changes import GraphResult
from servicegraph.controller.status import Failure, Outcome, build
from servicegraph.model.compilation import Edge, EdgeState
from servicegraph.model.graph import Graph, Ignore
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey
from tests.unit.controller.planning import BOTH, SHOP, service_policy

THEN, NOW = "2026-11-22T12:00:00Z", "2026-11-22T12:05:00Z"
TAKEN = Failure("sg-x", "NameTaken", "delete theirs", lasting=True)
BUSY = Failure("sg-y", "Retrying", "429", lasting=False)


def result(
    *states: EdgeState, mode: Mode = Mode.ENFORCE, problems: tuple[Problem, ...] = (), ignores: tuple[Ignore, ...] = ()
) -> GraphResult:
    graph = Graph(
        key=SHOP,
        mode=mode,
        isolation="Members",
        engine="Auto",
        directions=BOTH,
        services=(),
        ignores=ignores,
        uid="1",
        generation=3,
    )
    edges = tuple(Edge(SHOP, ServiceKey("shop", "a"), "b", state, ".spec") for state in states)
    return GraphResult(graph, 2, (service_policy("a"), service_policy("b")), edges, problems)


def status(
    found: GraphResult, outcome: Outcome = Outcome(), previous: dict[str, Any] | None = None, now: str = NOW
) -> dict[str, Any]:
    return build(found, outcome, (), 3, previous or {}, now)


def conditions(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in found["conditions"]}


def problem(code: Code, severity: Severity, path: str = ".spec") -> Problem:
    return Problem(code, severity, SHOP, path, "what to do")
