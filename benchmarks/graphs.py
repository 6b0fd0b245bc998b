"""Services, workloads and ServiceGraph fragments of a shape, as raw Kubernetes objects."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.degrees import Edges, edges_of
from benchmarks.shape import Shape

Raw = dict[str, Any]

APP_LABEL = "app.kubernetes.io/name"
VERSION = {"version": "v1"}
"""A label of every pod that no Service selects by at first."""

_PORTS = (
    {"http": (80, 8080)},
    {"http": (80, 8080)},
    {"http": (80, 8080), "grpc": (9090, 9090)},
    {"sql": (5432, 5432)},
)


class Objects(NamedTuple):
    """Everything of a cluster that the compiler reads."""

    namespaces: list[Raw]
    services: list[Raw]
    workloads: list[Raw]
    graphs: list[Raw]

    def all(self) -> Iterator[Raw]:
        """Every object, in an order in which an API server takes them."""
        for kind in self:
            yield from kind


def make(shape: Shape) -> Objects:
    """The objects of a shape. The same shape gives the same objects."""
    return _Maker(shape, edges_of(shape)).objects()


class _Maker:
    def __init__(self, shape: Shape, calls: Edges) -> None:
        self._shape = shape
        self._calls = calls
        self._callers: dict[int, list[int]] = defaultdict(list)
        for caller, callees in enumerate(calls):
            for callee in callees:
                self._callers[callee].append(caller)
        rng = random.Random(shape.seed)
        self._ports = [rng.choice(_PORTS) for _ in calls]
        self._written = rng

    def objects(self) -> Objects:
        indices = range(self._shape.services)
        teams = sorted({self._team(i) for i in indices})
        return Objects(
            namespaces=[_object("v1", "Namespace", name) for name in sorted({self._namespace(i) for i in indices})],
            services=[self._service(i) for i in indices],
            workloads=[self._workload(i) for i in indices],
            graphs=[self._graph(team, [i for i in indices if self._team(i) == team]) for team in teams],
        )

    def _team(self, index: int) -> str:
        return f"team-{index // self._shape.services_per_graph:03}"

    def _namespace(self, index: int) -> str:
        return self._team(index) if self._shape.namespaces else "mesh"

    def _service(self, index: int) -> Raw:
        spec = {
            "selector": {APP_LABEL: name_of(index)},
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
                for name, (port, _) in self._ports[index].items()
            ],
        }
        return _object("v1", "Service", name_of(index), self._namespace(index), spec)

    def _workload(self, index: int) -> Raw:
        name = name_of(index)
        labels = {APP_LABEL: name, "app.kubernetes.io/part-of": self._team(index), **VERSION}
        ports = [{"name": port, "containerPort": number} for port, (_, number) in self._ports[index].items()]
        spec: Raw = {
            "replicas": 0,
            "selector": {"matchLabels": {APP_LABEL: name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": f"registry.example/{name}:1", "ports": ports}]},
            },
        }
        kind = "Deployment"
        if "sql" in self._ports[index]:
            kind, spec["serviceName"] = "StatefulSet", name
        return _object("apps/v1", kind, name, self._namespace(index), spec)

    def _graph(self, team: str, members: list[int]) -> Raw:
        services = [self._declared(i) for i in members]
        return _object(
            "servicegraph.dev/v1alpha1", "ServiceGraph", team, self._namespace(members[0]), {"services": services}
        )

    def _declared(self, index: int) -> Raw:
        declared: Raw = {"name": name_of(index)}
        callers = self._callers[index]
        if not callers:
            declared["accepts"] = [{"anywhere": True, "ports": [next(iter(self._ports[index]))]}]
        elif consents := [self._party(caller, index) for caller in callers if self._foreign(caller, index)]:
            declared["accepts"] = consents
        if self._calls[index]:
            declared["calls"] = [self._call(index, callee) for callee in self._calls[index]]
        return declared

    def _call(self, caller: int, callee: int) -> Raw:
        name, (number, _) = next(iter(self._ports[callee].items()))
        ports = self._written.choice(({}, {}, {"ports": [name]}, {"ports": [number]}))
        return {**self._party(callee, caller), **ports}

    def _party(self, index: int, seen_from: int) -> Raw:
        namespace = {"namespace": self._namespace(index)} if self._foreign(index, seen_from) else {}
        return {"service": name_of(index), **namespace}

    def _foreign(self, one: int, other: int) -> bool:
        return self._namespace(one) != self._namespace(other)


def name_of(index: int) -> str:
    """The name of a service, which its Service, its workload and its pods' label share."""
    return f"svc-{index:05}"


def _object(api_version: str, kind: str, name: str, namespace: str | None = None, spec: Raw | None = None) -> Raw:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **({"spec": spec} if spec else {})}
