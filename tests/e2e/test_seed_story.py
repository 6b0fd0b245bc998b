"""The first example: frontend calls search, search calls database, and everything else is closed."""

import pytest

from tests.e2e.conftest import MakeStage
from tests.e2e.pods import Role
from tests.e2e.stage import Stage

ROLES = ("frontend", "search", "database")
GRAPH = """
services:
  - name: frontend
    accepts: [{anywhere: true, ports: [http]}]
    calls: [{service: search}]
  - name: search
    calls: [{service: database}]
  - name: database
"""
MEANING = (
    "others > frontend: 8080",
    "frontend > search: 8080",
    "search > database: 8080",
    "frontend, search > dns",
)


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    roles = [Role(name=name) for name in (*ROLES, "stranger")]
    return make_stage([*roles, Role(name="visitor", namespace="elsewhere")])


def test_only_declared_calls_pass(stage: Stage) -> None:
    """On one node and across nodes, by pod address and through Services.

    An attacker's shell in search reaches database and nothing else: not frontend, not the API server, not a host
    outside. One in database reaches nothing, DNS included.
    """
    stage.expect_all_open()
    stage.play(GRAPH, *MEANING)


def test_a_graph_that_goes_leaves_nothing_closed(stage: Stage) -> None:
    stage.play(GRAPH, *MEANING)
    stage.clear()
    stage.expect_all_open()
