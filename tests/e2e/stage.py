"""Namespaces with pods in them, on which scenarios play one after the other: apply a graph, look, take it away."""

import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from tests.e2e.discover import discover, serving
from tests.e2e.ends import Ends
from tests.e2e.flows import Allowed
from tests.e2e.matrix import Matrix, Tally
from tests.e2e.pods import Role, role_of
from tests.integration.kube import Kube, Object
from tests.waiting import PATIENCE, eventually

_POLL = 0.5

ENGINE = {"engine": engine} if (engine := os.environ.get("SERVICEGRAPH_E2E_ENGINE")) else {}
"""What graphs ask for that do not say it themselves."""


class Stage:
    """Pods of some roles, and what surrounds them. A role in another namespace is called `namespace/role`."""

    def __init__(self, kube: Kube, roles: Iterable[Role], surroundings: Ends, tally: Tally) -> None:
        self.kube = kube
        self._roles = tuple(roles)
        self._surroundings = surroundings
        self._tally = tally
        token = secrets.token_hex(3)
        shorts = dict.fromkeys(("", *(role.namespace for role in self._roles)))
        self.namespaces = {short: f"e2e-{token}-{short or 'main'}" for short in shorts}

    def up(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        """Create everything, and return when all pods are Ready. `labels` are those of the namespaces."""
        for short, name in self.namespaces.items():
            meta = {"name": name, "labels": {"app.kubernetes.io/part-of": "servicegraph-e2e", **labels.get(short, {})}}
            self.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        for role in self._roles:
            self.kube.apply(*role.manifests(self.namespaces[role.namespace]))
        nodes = len(self.kube.list("Node", ""))
        expected = Counter({r.title: nodes if r.kind == "DaemonSet" else r.replicas for r in self._roles})
        eventually(lambda: self._there() == expected, f"all pods are Ready: {dict(expected)}", PATIENCE, _POLL)

    def down(self) -> None:
        """Delete the namespaces, and do not wait for them to go."""
        for name in self.namespaces.values():
            self.kube.delete("Namespace", "", name)

    def ends(self) -> Ends:
        """Every end there is now."""
        prefixes = {name: f"{short}/" if short else "" for short, name in self.namespaces.items()}
        return discover(self.kube, prefixes, role_of) + self._surroundings

    def expect(self, *lines: str, groups: Mapping[str, Iterable[str]] | None = None, ends: Ends | None = None) -> None:
        """See that packets pass as these lines say, and no others, between all ends or those that are given."""
        self._matrix(lines, groups or {}, ends or self.ends()).settle(self._tally, self._statuses)

    def is_so(self, *lines: str, ends: Ends) -> bool:
        """Whether it is as these lines say at this moment."""
        return self._matrix(lines, {}, ends).is_right(self._tally)

    def play(self, spec: str | Object, *lines: str) -> None:
        """Apply a graph and see what it does. In the lines, `others` are all ends that it does not isolate.

        They go on calling each other, and that needs no line.
        """
        spec = yaml.safe_load(spec) if isinstance(spec, str) else spec
        self.apply(spec)
        declared = {service["name"] for service in spec["services"]}
        isolated = declared | {role.title for role in self._roles if role.app in declared}
        if spec.get("isolation") == "Namespace":
            isolated |= {role.title for role in self._roles if not role.namespace}
        self.expect("others > others", *lines, groups={"others": self.ends().roles - isolated})

    def expect_all_open(self) -> None:
        """See that nothing is denied: the network carries every call that a graph may then close."""
        self.expect("* > *")

    def apply(self, spec: str | Object, *, name: str = "graph", namespace: str = "") -> None:
        """Write a graph by its spec, mostly YAML, where `namespace: ops` is the stage's namespace of that name."""
        spec = {**ENGINE, **(yaml.safe_load(spec) if isinstance(spec, str) else spec)}
        self.kube.apply(
            {
                "apiVersion": "servicegraph.dev/v1alpha1",
                "kind": "ServiceGraph",
                "metadata": {"name": name, "namespace": self.namespaces[namespace]},
                "spec": self._placed(spec),
            }
        )

    def clear(self, *namespaces: str) -> None:
        """Take all graphs away, or those of some namespaces."""
        for namespace in (self.namespaces[short] for short in namespaces or self.namespaces):
            for graph in self.kube.list("ServiceGraph", namespace):
                self.kube.delete("ServiceGraph", namespace, graph["metadata"]["name"])

    def _matrix(self, lines: Iterable[str], groups: Mapping[str, Iterable[str]], ends: Ends) -> Matrix:
        return Matrix(ends, Allowed(lines, ends.roles, groups))

    def _placed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._placed(item) for item in value]
        if isinstance(value, dict):
            return {k: self.namespaces[v] if k == "namespace" else self._placed(v) for k, v in value.items()}
        return value

    def _there(self) -> Counter[str]:
        return Counter(
            f"{short}/{role_of(pod)}".lstrip("/")
            for short, namespace in self.namespaces.items()
            for pod in self.kube.list("Pod", namespace)
            if serving(pod)
        )

    def _statuses(self) -> str:
        found = [graph for name in self.namespaces.values() for graph in self.kube.list("ServiceGraph", name)]
        return yaml.safe_dump_all(
            {"graph": graph["metadata"]["name"], "spec": graph["spec"], "status": graph.get("status")}
            for graph in found
        )


@contextmanager
def standing(stage: Stage, labels: Mapping[str, Mapping[str, str]] | None = None) -> Iterator[Stage]:
    """The stage while it is up."""
    try:
        stage.up(labels or {})
        yield stage
    finally:
        stage.down()
