"""Scenes for tests: the shop's objects, a graph, and policies, said shortly."""

from typing import Any, NamedTuple

import yaml

from servicegraph.answers.ends import resolve
from servicegraph.answers.explain import Explanation, explain
from servicegraph.answers.ports import asked
from servicegraph.answers.scene import Scene
from servicegraph.answers.whatif import Proposal, Question, proposals
from servicegraph.cli.reading import Where, combine
from servicegraph.cli.scenes import scene_of
from servicegraph.model.refs import GraphKey
from servicegraph.sources.documents import parse
from servicegraph.sources.inputs import gather
from tests.integration.world import app

Raw = dict[str, Any]
NAMES = ("frontend", "search", "database")


class Setting(NamedTuple):
    """A scene, and the graphs in it as they are written."""

    scene: Scene
    resources: dict[GraphKey, Raw]


class Asked(NamedTuple):
    """An explanation with what would change it."""

    explanation: Explanation
    changes: tuple[Proposal, ...]


def setting(spec: Raw | None, *others: Raw) -> Setting:
    """The shop's Services and Deployments, http on 8080, with a graph of this spec and other objects."""
    head = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph"}
    graphs = [{**head, "metadata": {"name": "shop", "namespace": "shop"}, "spec": spec}] if spec is not None else []
    text = yaml.safe_dump_all([*graphs, *app("shop", *NAMES), *others])
    reading = combine(Where(), None, gather(parse("x.yaml", text)))
    return Setting(scene_of(reading), {key: dict(found.data) for key, found in reading.documents.items()})


def ask(where: Setting, source: str, destination: str, port: str | None = None) -> Asked:
    """Ask, and ask what would change the answer."""
    ends = resolve(source, where.scene, "shop"), resolve(destination, where.scene, "shop")
    found = explain(where.scene, *ends, asked(port, ends[1]) if port else None)
    question = Question(*ends, found.in_question, port)
    return Asked(found, proposals(where.scene, where.resources, question, found))
