"""What lint finds in a small world, as the tests ask for it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from servicegraph.answers.lint.run import lint
from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code, Problem
from servicegraph.model.profile import ClusterProfile, Engine, Plugin
from tests.unit.compiler.cluster import PLAIN, Raw, World

CALICO = msgspec.structs.replace(PLAIN, engine=Engine(plugin="Calico"))
"""A profile whose plugin has none of the peculiarities."""


def on(plugin: Plugin, profile: ClusterProfile = PLAIN) -> ClusterProfile:
    """A profile with a plugin."""
    return msgspec.structs.replace(profile, engine=Engine(plugin=plugin))


def find(
    *parts: Graph | Raw | list[Raw], profile: ClusterProfile = CALICO, complete: bool = False
) -> tuple[Problem, ...]:
    """Everything that is found."""
    world = World(*parts, profile=profile)
    return lint(world.graphs, world.cluster, profile, world.compilation, complete=complete)


def places(code: Code, *parts: Any, **options: Any) -> list[str]:
    """The paths of the findings of one code; nothing else may be found, which keeps each test's world to its point."""
    found = find(*parts, **options)
    assert {problem.code for problem in found} <= {code}, found
    return [problem.path for problem in found]


def message(found: Iterable[Problem]) -> str:
    """The text of the only finding."""
    (only,) = found
    return only.message
