"""A raw resource becomes a Graph, or a list of what is wrong with it.

Everything one resource can tell about itself is checked here, so that the API server's schema, `render` and the
operator agree: a graph that parses needs only the cluster to be compiled.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from servicegraph.compiler.entries import Reader, Subject, parse_entry
from servicegraph.compiler.wire import wire_error
from servicegraph.model import names
from servicegraph.model.graph import (
    DeclaredService,
    Entry,
    Graph,
    Ignore,
    LabelsTerm,
    Listen,
    ServiceTerm,
    TermSource,
    WorkloadTerm,
)
from servicegraph.model.policy import Direction
from servicegraph.model.ports import PORT_NAME
from servicegraph.model.problems import Problem
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey
from servicegraph.model.resource import API_VERSION, KIND, GraphSpec, ListenSpec, ServiceSpec, TermSpec, WorkloadSpec
from servicegraph.model.selectors import Selector

_WORKLOAD_GROUPS = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "Job": "batch",
    "CronJob": "batch",
}
_BOTH = (Direction.INGRESS, Direction.EGRESS)
_ONE_TERM = ("service", "workload", "labels")


class Parsed(msgspec.Struct, frozen=True):
    """A graph, or None and the problems that make the resource invalid.

    `readable` is what an invalid resource still says: the services whose pods are known, with the entries that parse.
    """

    key: GraphKey
    graph: Graph | None
    problems: tuple[Problem, ...] = ()
    readable: Graph | None = None


def parse(raw: Mapping[str, Any], namespace: str | None = None) -> Parsed:
    """Read a ServiceGraph as it comes from JSON or YAML.

    `namespace` stands in where the resource names none (by default `default`). Raises nothing: what is wrong is
    told in `problems`, each with a JSON path into the resource.
    """
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    key = GraphKey(_text(metadata.get("namespace")) or namespace or "default", _text(metadata.get("name")))
    reader = Reader(key)
    _envelope(raw, metadata, reader)
    spec = None if reader.problems else _spec(raw.get("spec"), reader)
    if spec is None:
        return Parsed(key, None, tuple(dict.fromkeys(reader.problems)))
    directions = _directions(spec.directions, _BOTH, ".spec.directions", reader)
    graph = Graph(
        key=key,
        mode=spec.mode,
        isolation=spec.isolation,
        engine=spec.engine,
        directions=directions,
        services=_services(spec, directions, reader),
        trusts=_trusts(spec, reader),
        ignores=tuple(Ignore(i.code, i.service, i.reason) for i in spec.ignores),
        uid=_text(metadata.get("uid")),
        generation=generation if isinstance(generation := metadata.get("generation"), int) else 0,
        created=created if isinstance(created := metadata.get("creationTimestamp"), str) else "",
    )
    problems = tuple(dict.fromkeys(reader.problems))
    return Parsed(key, graph) if not problems else Parsed(key, None, problems, _readable(graph, problems))


def _readable(graph: Graph, problems: tuple[Problem, ...]) -> Graph:
    def doubtful(service: DeclaredService) -> bool:
        return any(p.path.startswith((f"{service.path}.name", f"{service.path}.selects")) for p in problems)

    return msgspec.structs.replace(graph, services=tuple(s for s in graph.services if not doubtful(s)))


def _envelope(raw: Mapping[str, Any], metadata: Mapping[str, Any], reader: Reader) -> None:
    if raw.get("apiVersion") != API_VERSION or raw.get("kind") != KIND:
        given = f"{raw.get('apiVersion')} {raw.get('kind')}"
        reader.wrong(".apiVersion", f"{given} is not served: write apiVersion: {API_VERSION} and kind: {KIND}")
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        reader.wrong(".metadata.name", "the graph has no name: write metadata.name")
    elif len(name) > 63:
        reader.wrong(".metadata.name", f"the name has {len(name)} characters: at most 63 fit in a label")
    else:
        reader.subdomain(name, ".metadata.name", "a graph")
    namespace = metadata.get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        reader.wrong(".metadata.namespace", f"{namespace!r} is not a string: put it in quotes")
    elif namespace:
        reader.name(namespace, ".metadata.namespace", "a namespace")
    for field in sorted(set(map(str, raw)) - {"apiVersion", "kind", "metadata", "spec", "status"}):
        reader.wrong(f".{field}", f"unknown field {field!r}: a ServiceGraph has metadata and spec")


def _trusts(spec: GraphSpec, reader: Reader) -> tuple[str, ...]:
    for index, trust in enumerate(spec.trusts):
        reader.subdomain(trust.policy, f".spec.trusts[{index}].policy", "a policy")
    return tuple(sorted({trust.policy for trust in spec.trusts}))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _spec(raw: Any, reader: Reader) -> GraphSpec | None:
    if raw is None:
        reader.wrong("", "the graph has no spec: write spec.services")
        return None
    try:
        return msgspec.convert(raw, GraphSpec)
    except msgspec.ValidationError as error:
        path, message = wire_error(error, GraphSpec)
        reader.wrong(f".spec{path}", message)
        return None


def _services(spec: GraphSpec, directions: tuple[Direction, ...], reader: Reader) -> tuple[DeclaredService, ...]:
    first: dict[str, int] = {}
    found = []
    for index, service in enumerate(spec.services):
        if service.name in first:
            reader.wrong(
                f".spec.services[{index}].name",
                f"service {service.name!r} is declared twice: services[{first[service.name]}] is the other, merge them",
            )
            continue
        first[service.name] = index
        found.append(_service(service, f".spec.services[{index}]", spec, directions, reader))
    return tuple(found)


def _service(
    service: ServiceSpec, path: str, spec: GraphSpec, directions: tuple[Direction, ...], reader: Reader
) -> DeclaredService:
    reader.name(service.name, f"{path}.name", "a service")
    subject = Subject(service.name, reader)
    defaults = spec.defaults.accepts if spec.defaults else ()
    entries: dict[str, list[Entry | None]] = {
        "calls": [parse_entry(subject, "calls", e, f"{path}.calls[{i}]") for i, e in enumerate(service.calls)],
        "accepts": [parse_entry(subject, "accepts", e, f"{path}.accepts[{i}]") for i, e in enumerate(service.accepts)]
        + [
            parse_entry(subject, "accepts", e, f".spec.defaults.accepts[{i}]", default=True)
            for i, e in enumerate(defaults)
        ],
    }
    terms = [_term(term, f"{path}.selects[{i}]", reader) for i, term in enumerate(service.selects)]
    listens = [_listen(port, f"{path}.ports[{i}]", reader) for i, port in enumerate(service.ports)]
    return DeclaredService(
        key=ServiceKey(reader.graph.namespace, service.name),
        graph=reader.graph,
        path=path,
        mode=service.mode or spec.mode,
        engine=spec.engine,
        directions=_directions(service.directions, directions, f"{path}.directions", reader),
        dns=service.dns or spec.dns,
        selects=tuple(term for term in terms if term is not None),
        listens=tuple(port for port in listens if port is not None),
        calls=tuple(entry for entry in entries["calls"] if entry is not None),
        accepts=tuple(entry for entry in entries["accepts"] if entry is not None),
    )


def _directions(
    written: tuple[Direction, ...] | None, inherited: tuple[Direction, ...], path: str, reader: Reader
) -> tuple[Direction, ...]:
    if written is None:
        return inherited
    if not written:
        reader.wrong(path, "no direction is named: write [Ingress], [Egress] or both, or mode: Off")
    return tuple(direction for direction in _BOTH if direction in written)


def _term(written: TermSpec, path: str, reader: Reader) -> TermSource | None:
    given = [field for field in _ONE_TERM if getattr(written, field) is not None]
    if len(given) != 1:
        reader.wrong(path, f"an entry of selects names one of {', '.join(_ONE_TERM)}: this one names {len(given)}")
        return None
    if written.service is not None:
        reader.name(written.service, f"{path}.service", "a Service")
        return ServiceTerm(written.service)
    if written.workload is not None:
        return _workload(written.workload, f"{path}.workload", reader)
    if not written.labels:
        reader.wrong(f"{path}.labels", "empty labels would select every pod of the namespace: name at least one label")
        return None
    reader.labels(written.labels, f"{path}.labels")
    return LabelsTerm(Selector.from_labels(written.labels))


def _workload(written: WorkloadSpec, path: str, reader: Reader) -> WorkloadTerm | None:
    reader.subdomain(written.name, f"{path}.name", "a workload")
    if not names.KIND.match(written.kind):
        reader.wrong(f"{path}.kind", f"{written.kind[:80]!r} cannot be a kind: write one such as Deployment or Rollout")
        return None
    if written.api_version is not None:
        group = names.group_of(written.api_version)
    elif written.kind in _WORKLOAD_GROUPS:
        group = _WORKLOAD_GROUPS[written.kind]
    else:
        reader.wrong(path, f"{written.kind} is not a built-in workload: write its apiVersion too")
        return None
    if group is None:
        given = f"{written.api_version!r:.80}"
        reader.wrong(f"{path}.apiVersion", f"{given} is not an API version: write one such as argoproj.io/v1alpha1")
        return None
    return WorkloadTerm(WorkloadKey(reader.graph.namespace, group, written.kind, written.name))


def _listen(written: int | ListenSpec, path: str, reader: Reader) -> Listen | None:
    port = ListenSpec(port=written) if isinstance(written, int) else written
    if not 1 <= port.port <= 65535:
        reader.wrong(path, f"port {port.port} does not exist: ports are 1 to 65535")
        return None
    if port.name is not None and not PORT_NAME.match(port.name):
        allowed = "lower-case letters, digits and dashes inside, and at least one letter"
        reader.wrong(f"{path}.name", f"{port.name!r} cannot be the name of a port: {allowed}")
    return Listen(port.port, port.protocol, port.name)
