"""Scenarios as data: a graph, and what it means."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Scenario:
    """A graph in YAML and the lines that tell what it allows; see Stage.play."""

    name: str
    graph: str
    allowed: tuple[str, ...]


def scenarios(listed: Iterable[Scenario]) -> pytest.MarkDecorator:
    """A test for each, under its name."""
    return pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name) for one in listed])
