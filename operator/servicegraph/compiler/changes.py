"""What goes into an incremental compile and what comes out of it."""

from collections.abc import Mapping

import msgspec

from servicegraph.model.cluster import DrainingTerm, EndpointSlice, Namespace, Service, Workload
from servicegraph.model.compilation import Edge
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Policy
from servicegraph.model.problems import Problem
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey


class Changes(msgspec.Struct, frozen=True):
    """Objects that are new or differ, by key; None where one is gone. What is not named stays as it was."""

    graphs: Mapping[GraphKey, Graph | None] = {}
    services: Mapping[ServiceKey, Service | None] = {}
    workloads: Mapping[WorkloadKey, Workload | None] = {}
    namespaces: Mapping[str, Namespace | None] = {}
    endpoint_slices: Mapping[tuple[str, str], EndpointSlice | None] = {}
    node_addresses: tuple[str, ...] | None = None
    draining: Mapping[ServiceKey, tuple[DrainingTerm, ...]] = {}
    incumbents: Mapping[ServiceKey, GraphKey | None] = {}


class Delta(msgspec.Struct, frozen=True):
    """What a change reached: names of policies that are new, differ or are gone, and graphs whose result differs."""

    policies: frozenset[tuple[str, str]] = frozenset()
    graphs: frozenset[GraphKey] = frozenset()


class GraphResult(msgspec.Struct, frozen=True):
    """Everything about one graph, in canonical order. `services` is how many it declares and owns."""

    graph: Graph
    services: int
    policies: tuple[Policy, ...]
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...]
