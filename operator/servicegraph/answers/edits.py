"""One change to a ServiceGraph or a NetworkPolicy, as its author would write it."""

import copy
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from servicegraph.compiler.parse import parse
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Direction
from servicegraph.model.refs import GraphKey
from servicegraph.model.resource import API_VERSION, KIND
from servicegraph.verify.policies import NetworkPolicy, PolicyKey, PolicyRule
from servicegraph.verify.reading import read

Raw = Mapping[str, Any]
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")


class Action(StrEnum):
    """What is done at a path: a value is added to the list there, taken away, or set."""

    ADD = "add"
    REMOVE = "remove"
    SET = "set"
    CREATE = "create"


class Edit(msgspec.Struct, frozen=True):
    """A change to a ServiceGraph. `text` names the place in words; CREATE makes a graph of its own, `value`."""

    graph: GraphKey
    action: Action
    path: str
    value: Any
    text: str


class PolicyEdit(msgspec.Struct, frozen=True):
    """A rule added to or removed from somebody's NetworkPolicy."""

    policy: PolicyKey
    action: Action
    direction: Direction
    index: int
    value: Any

    @property
    def path(self) -> str:
        """The JSON path of the list for ADD, of the rule for REMOVE."""
        side = ".spec." + self.direction.value.lower()
        return side if self.action is Action.ADD else f"{side}[{self.index}]"


def after(resources: Mapping[GraphKey, Raw], edits: Iterable[Edit]) -> list[Graph] | None:
    """The graphs that changes touch, with them made; None where one would not be valid any more."""
    changed: dict[GraphKey, Any] = {}
    for edit in sorted(edits, key=_last_first):
        raw = changed.get(edit.graph)
        if raw is None:
            raw = copy.deepcopy(edit.value if edit.action is Action.CREATE else resources[edit.graph])
        changed[edit.graph] = _made(raw, edit)
    graphs = [parse(raw, key.namespace).graph for key, raw in changed.items()]
    found = [graph for graph in graphs if graph is not None]
    return found if len(found) == len(graphs) else None


def _made(raw: Any, edit: Edit) -> Any:
    if edit.action is Action.CREATE:
        return raw
    steps = _steps(edit.path)
    parent, last = _walk(raw, steps[:-1]), steps[-1]
    if edit.action is Action.REMOVE:
        del parent[last]
    elif edit.action is Action.SET:
        parent[last] = edit.value
    else:
        parent[last] = [*(parent.get(last) or []), edit.value]
    return raw


def _last_first(edit: Edit) -> tuple[bool, list[int]]:
    """Items are removed after everything else and from the end of lists, so that the others stay where they are."""
    return edit.action is Action.REMOVE, [-step for step in _steps(edit.path) if isinstance(step, int)]


def value_at(resource: Raw, path: str) -> Any:
    """What stands at a path. Raises LookupError."""
    return _walk(resource, _steps(path))


def place_in_words(resource: Raw, path: str) -> str:
    """A path without numbers: `calls of the service search`."""
    steps = [step for step in _steps(path) if step != "spec"]
    if steps[:1] == ["services"] and len(steps) > 2:
        name = value_at(resource, f".spec.services[{steps[1]}]")["name"]
        return f"{steps[2]} of the service {name}"
    return ".".join(str(step) for step in steps if isinstance(step, str))


def new_graph(key: GraphKey, service: Raw) -> dict[str, Any]:
    """A resource that declares one service."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {"services": [dict(service)]},
    }


def with_rule(policy: NetworkPolicy, edit: PolicyEdit) -> NetworkPolicy:
    """The policy after the change."""
    field = edit.direction.value.lower()
    rules = policy.rules(edit.direction)
    left = (*rules, _rule(edit)) if edit.action is Action.ADD else (*rules[: edit.index], *rules[edit.index + 1 :])
    return msgspec.structs.replace(policy, **{field: left})


def _rule(edit: PolicyEdit) -> PolicyRule:
    spec = {"podSelector": {}, "policyTypes": [edit.direction.value], edit.direction.value.lower(): [edit.value]}
    manifest = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"}, "spec": spec}
    return read(manifest).rules(edit.direction)[0]


def _steps(path: str) -> list[str | int]:
    return [int(step["index"]) if step["index"] else step["key"] for step in _STEP.finditer(path)]


def _walk(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value
