"""What compiling costs: whole graphs, one label change, a hub. Each function is for a process of its own."""

import copy
import gc
import random
import time
from collections import Counter
from typing import Any, cast

import msgspec

from benchmarks.fresh import peak_megabytes
from benchmarks.graphs import VERSION, Objects, Raw, make
from benchmarks.shape import Shape
from servicegraph.compiler.changes import Changes
from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import Compiler
from servicegraph.compiler.parse import parse
from servicegraph.controller.engine import services_of
from servicegraph.model.cluster import Namespace, Service, Workload
from servicegraph.model.graph import Graph
from servicegraph.model.profile import STANDARD
from servicegraph.model.refs import ServiceKey
from servicegraph.sources.objects import decode
from servicegraph.verify.proof import prove
from servicegraph.verify.reading import read


class Cost(msgspec.Struct, frozen=True):
    """CPU seconds of reading, of compiling and of proving a graph; the most memory that took, in MB.

    Compiling ends with manifests, proving begins with them.
    """

    edges: int
    policies: int
    parse: float
    compile: float
    prove: float
    megabytes: float

    @property
    def microseconds_per_edge(self) -> float:
        """Of compiling and proving."""
        return (self.compile + self.prove) / self.edges * 1e6


class Relabelled(msgspec.Struct, frozen=True):
    """One change of labels: milliseconds of CPU until its policies are compiled and emitted, and how many there are."""

    milliseconds: float
    policies: int


def cost_of(shape: Shape) -> Cost:
    """Compile a graph from nothing, and prove what came out. Raises AssertionError where that is not exact."""
    objects = make(shape)
    edges = sum(len(service.get("calls", ())) for graph in objects.graphs for service in graph["spec"]["services"])
    gc.collect()
    began = time.process_time()
    changes = changes_of(objects)
    parsed = time.process_time()
    del objects
    compiler = Compiler(STANDARD)
    compiler.update(changes)
    compilation = compiler.compilation()
    manifests = [manifest(policy) for policy in compilation.policies]
    compiled = time.process_time()
    proof = prove(compilation.declared, [read(found) for found in manifests])
    proven = time.process_time()
    assert proof.exact, (proof.missing[:1], proof.extra[:1])
    return Cost(edges, len(manifests), parsed - began, compiled - parsed, proven - compiled, peak_megabytes())


def label_changes(shape: Shape, count: int) -> list[Relabelled]:
    """Change the labels of `count` services, one after the other."""
    objects, compiler = _compiled(shape)
    return [_relabel(compiler, objects, index) for index in random.Random(7).sample(range(shape.services), count)]


def hub_changes(shape: Shape, count: int) -> tuple[int, list[tuple[Relabelled, int]]]:
    """Change the labels of callers of the largest hub: the parts its policy has, and how many of them differ."""
    objects, compiler = _compiled(shape)
    hub, callers = _hub(objects)
    found = []
    for index in random.Random(7).sample(callers, count):
        before = _parts(compiler, hub)
        change = _relabel(compiler, objects, index)
        after = _parts(compiler, hub)
        found.append((change, sum(before.get(name) != written for name, written in after.items())))
    return len(after), found


def changes_of(objects: Objects) -> Changes:
    """Parse and decode every object. Raises AssertionError if a graph is invalid."""
    graphs: list[Graph] = []
    for raw in objects.graphs:
        parsed = parse(raw)
        assert parsed.graph is not None, parsed.problems
        graphs.append(parsed.graph)
    services = [cast(Service, decode(raw)) for raw in objects.services]
    workloads = [cast(Workload, decode(raw)) for raw in objects.workloads]
    namespaces = [cast(Namespace, decode(raw)) for raw in objects.namespaces]
    return Changes(
        graphs={graph.key: graph for graph in graphs},
        services={service.key: service for service in services},
        workloads={workload.key: workload for workload in workloads},
        namespaces={namespace.name: namespace for namespace in namespaces},
    )


def relabelled(objects: Objects, index: int) -> Raw:
    """The Service of that index, selecting the pods it has by one label more."""
    service = copy.deepcopy(objects.services[index])
    service["spec"]["selector"] |= VERSION
    return service


def _compiled(shape: Shape) -> tuple[Objects, Compiler]:
    """A graph that is compiled and lasts: the garbage collector leaves it alone, as in the operator."""
    objects = make(shape)
    compiler = Compiler(STANDARD)
    compiler.update(changes_of(objects))
    gc.freeze()
    return objects, compiler


def _relabel(compiler: Compiler, objects: Objects, index: int) -> Relabelled:
    service = cast(Service, decode(relabelled(objects, index)))
    began = time.process_time()
    delta = compiler.update(Changes(services={service.key: service}))
    for key in services_of(delta):
        for policy in compiler.policies_of(key):
            if (policy.namespace, policy.name) in delta.policies:
                manifest(policy)
    return Relabelled((time.process_time() - began) * 1e3, len(delta.policies))


def _hub(objects: Objects) -> tuple[ServiceKey, list[int]]:
    """The service with the most callers, and their indices."""
    declared = [service for graph in objects.graphs for service in graph["spec"]["services"]]
    calls = [{call["service"] for call in service.get("calls", ())} for service in declared]
    name, _ = Counter(callee for callees in calls for callee in callees).most_common(1)[0]
    namespace = objects.services[0]["metadata"]["namespace"]
    return ServiceKey(namespace, name), [index for index, callees in enumerate(calls) if name in callees]


def _parts(compiler: Compiler, hub: ServiceKey) -> dict[str, Any]:
    return {policy.name: manifest(policy) for policy in compiler.policies_of(hub)}
