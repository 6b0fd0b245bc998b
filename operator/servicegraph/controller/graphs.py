"""The ServiceGraphs of the cluster as they were last seen, parsed, with their live status."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from servicegraph.compiler.parse import parse
from servicegraph.controller.view import GraphRecord
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Problem
from servicegraph.model.refs import GraphKey, ServiceKey


class LiveGraph(msgspec.Struct, frozen=True):
    """A ServiceGraph in the cluster. `graph` is its last version that was valid, None where there was none.

    Where only its status remembers one, from before this process, it is what the present version still says: callers
    and callees of its neighbours.

    `problems` are not empty when the present version is invalid.
    """

    key: GraphKey
    uid: str
    version: int
    generation: int
    status: Mapping[str, Any]
    graph: Graph | None
    problems: tuple[Problem, ...] = ()

    @property
    def record(self) -> GraphRecord:
        """What the planner needs to know."""
        services = self.graph.services if self.graph else ()
        invalid = bool(self.problems)
        return GraphRecord(
            key=self.key,
            uid=self.uid,
            mode=self.graph.mode if self.graph else Mode.ENFORCE,
            isolates_namespace=self.graph is not None and self.graph.isolation == "Namespace",
            frozen=invalid,
            held_services=frozenset(s.key.name for s in services if invalid or s.mode is Mode.DRY_RUN),
            off_services=frozenset(s.key.name for s in services if s.mode is Mode.OFF),
        )


class GraphStore:
    """Takes raw events in any order and keeps the newest state of each graph."""

    def __init__(self) -> None:
        self._graphs: dict[GraphKey, LiveGraph] = {}
        self._declared: dict[ServiceKey, set[GraphKey]] = {}
        self._uids: dict[str, dict[GraphKey, str]] = defaultdict(dict)

    def __iter__(self) -> Iterator[LiveGraph]:
        return iter(self._graphs.values())

    def get(self, key: GraphKey) -> LiveGraph | None:
        """The graph of that name."""
        return self._graphs.get(key)

    def declaring(self, service: ServiceKey) -> frozenset[GraphKey]:
        """Graphs that declare a service: more than one is DuplicateService."""
        return frozenset(self._declared.get(service, ()))

    def uids(self, namespace: str) -> frozenset[str]:
        """UIDs of the graphs of a namespace."""
        return frozenset(self._uids[namespace].values())

    def put(self, raw: Mapping[str, Any]) -> tuple[LiveGraph | None, LiveGraph | None]:
        """Take a graph as the API server gives it; what was before, and what is now.

        A graph that is being deleted counts as gone: its policies go, by us and by garbage collection.
        """
        metadata = raw["metadata"]
        key = GraphKey(metadata["namespace"], metadata["name"])
        old, version = self._graphs.get(key), int(metadata["resourceVersion"])
        if old is not None and old.version >= version:
            return old, old
        if metadata.get("deletionTimestamp"):
            return old, self._set(key, None)
        status, generation = raw.get("status") or {}, int(metadata.get("generation") or 0)
        if old is not None and (old.uid, old.generation) == (metadata["uid"], generation):
            return old, self._set(key, msgspec.structs.replace(old, version=version, status=status))
        parsed = parse(raw)
        was_valid = bool(status.get("services"))
        last = old.graph if old is not None and old.uid == metadata["uid"] else parsed.readable if was_valid else None
        problems = () if parsed.graph else parsed.problems
        graph = parsed.graph or last
        return old, self._set(key, LiveGraph(key, metadata["uid"], version, generation, status, graph, problems))

    def drop(self, key: GraphKey, uid: str | None = None) -> LiveGraph | None:
        """A graph is gone; its last state. Nothing happens where one with another UID has its name."""
        old = self._graphs.get(key)
        if old is None or (uid is not None and old.uid != uid):
            return None
        self._set(key, None)
        return old

    def _set(self, key: GraphKey, new: LiveGraph | None) -> LiveGraph | None:
        old = self._graphs.pop(key, None)
        if old is None or new is None or old.graph is not new.graph:
            for service in old.graph.services if old and old.graph else ():
                self._declared[service.key].discard(key)
            for service in new.graph.services if new and new.graph else ():
                self._declared.setdefault(service.key, set()).add(key)
        if new is None:
            self._uids[key.namespace].pop(key, None)
        else:
            self._graphs[key] = new
            self._uids[key.namespace][key] = new.uid
        return new
