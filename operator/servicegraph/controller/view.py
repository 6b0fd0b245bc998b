"""One namespace as the planner sees it: what should be, what is, and what must not be touched."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.emit.names import HASH_ANNOTATION
from servicegraph.controller.live import LivePolicy, service_of
from servicegraph.controller.proving import Check
from servicegraph.model.policy import Mode, Policy
from servicegraph.model.refs import GraphKey

T = TypeVar("T")


class Wanted(msgspec.Struct, frozen=True):
    """A policy that should exist, with what decides whether the live one equals it, and whether it is right."""

    policy: Policy
    spec: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    check: Check | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.policy.name


def wanted(policy: Policy, extra: Mapping[str, str], check: Check | None = None) -> Wanted:
    """What to compare of a policy; `extra` are annotations of the controller's own."""
    metadata = manifest(policy)["metadata"]
    annotations = {**metadata["annotations"], **extra}
    return Wanted(policy, annotations[HASH_ANNOTATION], metadata["labels"], annotations, check)


class ByName(Generic[T]):
    """Policies of one namespace by name, and their names by the service they are for."""

    __slots__ = ("_items", "_names")

    def __init__(self, items: Mapping[str, T] | None = None) -> None:
        self._items: dict[str, T] = {}
        self._names: dict[str, set[str]] = {}
        for name, item in (items or {}).items():
            self.put(name, item)

    def put(self, name: str, item: T) -> None:
        """Add or replace."""
        if name not in self._items and (service := service_of(name)):
            self._names.setdefault(service, set()).add(name)
        self._items[name] = item

    def drop(self, name: str) -> T | None:
        """Remove, if it is there."""
        found = self._items.pop(name, None)
        if found is not None and (service := service_of(name)):
            names = self._names[service]
            names.discard(name)
            if not names:
                del self._names[service]
        return found

    def get(self, name: str) -> T | None:
        """The policy of that name."""
        return self._items.get(name)

    def of_service(self, service: str) -> Collection[str]:
        """Names of the policies of a service."""
        return self._names.get(service, ())

    def services(self) -> Iterable[str]:
        """Services that have policies here."""
        return self._names.keys()

    def values(self) -> Iterable[T]:
        """All of them."""
        return self._items.values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __contains__(self, name: str) -> bool:
        return name in self._items

    def __len__(self) -> int:
        return len(self._items)


class GraphRecord(msgspec.Struct, frozen=True):
    """What the planner needs to know of a graph.

    `frozen`: its resource is invalid, so nothing of it is written or deleted. `held_services` are names of those
    of its services whose policies stay as they are, `off_services` of those that have none.
    """

    key: GraphKey
    uid: str
    mode: Mode = Mode.ENFORCE
    isolates_namespace: bool = False
    frozen: bool = False
    held_services: frozenset[str] = frozenset()
    off_services: frozenset[str] = frozenset()

    @property
    def held(self) -> bool:
        """Whether nothing of this graph is written or deleted."""
        return self.frozen or self.mode is Mode.DRY_RUN


@dataclass(frozen=True, slots=True)
class NamespaceView:
    """A namespace."""

    name: str
    wanted: ByName[Wanted] = field(default_factory=ByName)
    live: ByName[LivePolicy] = field(default_factory=ByName)
    graphs: Mapping[GraphKey, GraphRecord] = field(default_factory=dict)

    @property
    def uids(self) -> frozenset[str]:
        """UIDs of the graphs."""
        return frozenset(graph.uid for graph in self.graphs.values())
