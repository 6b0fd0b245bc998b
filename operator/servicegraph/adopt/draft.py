"""A first graph, entry by entry: what each says, where it was seen, and what is to be reviewed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from servicegraph.compiler.incremental import compile_all
from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster
from servicegraph.model.graph import Graph
from servicegraph.model.problems import Problem, Severity
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.model.resource import API_VERSION, KIND


class DraftEntry(msgspec.Struct, frozen=True):
    """An entry of `calls` or `accepts`. One that is not `written` is only proposed: it stands there as a comment."""

    value: Mapping[str, Any]
    seen: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    written: bool = True


class DraftService(msgspec.Struct, frozen=True):
    """A service of a draft; `fields` are those that stand before its entries."""

    name: str
    fields: Mapping[str, Any] = {}
    review: tuple[str, ...] = ()
    accepts: tuple[DraftEntry, ...] = ()
    calls: tuple[DraftEntry, ...] = ()
    written: bool = True


class Draft(msgspec.Struct, frozen=True):
    """A graph to be; `fields` are those of its spec beside the services, `header` what is said above it."""

    key: GraphKey
    services: tuple[DraftService, ...]
    fields: Mapping[str, Any] = {}
    header: tuple[str, ...] = ()


def resource(draft: Draft) -> dict[str, Any]:
    """The ServiceGraph of what is written in a draft."""
    services = [_service(service) for service in draft.services if service.written]
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": draft.key.name, "namespace": draft.key.namespace},
        "spec": {**draft.fields, "services": services},
    }


def settle(drafts: Iterable[Draft], graphs: Iterable[Graph], cluster: Cluster, profile: ClusterProfile) -> list[Draft]:
    """The drafts less what the compiler refuses, beside the graphs there are: that is only proposed, with the reason.

    What is left compiles without errors, but for what no single entry can help.
    """
    settled, others = list(drafts), list(graphs)
    while True:
        parsed = [parse(resource(draft)) for draft in settled]
        compiled = [found.graph for found in parsed if found.graph is not None]
        problems = [problem for found in parsed for problem in found.problems]
        problems += compile_all([*others, *compiled], cluster, profile).problems
        errors = {(p.graph, p.path): p for p in problems if p.severity is Severity.ERROR}
        after = [_without(draft, errors) for draft in settled]
        if after == settled:
            return settled
        settled = after


def _service(service: DraftService) -> dict[str, Any]:
    found: dict[str, Any] = {"name": service.name, **service.fields}
    for field, entries in (("accepts", service.accepts), ("calls", service.calls)):
        if written := [dict(entry.value) for entry in entries if entry.written]:
            found[field] = written
    return found


def _without(draft: Draft, errors: Mapping[tuple[GraphKey, str], Problem]) -> Draft:
    """The draft with each entry and service that an error is about only proposed."""
    at = {path: problem.message for (graph, path), problem in errors.items() if graph == draft.key}
    services, number = [], 0
    for service in draft.services:
        if not service.written:
            services.append(service)
            continue
        path = f".spec.services[{number}]"
        number += 1
        accepts = tuple(_checked(service.accepts, f"{path}.accepts", at))
        calls = tuple(_checked(service.calls, f"{path}.calls", at))
        entries = (f"{path}.accepts[", f"{path}.calls[")
        own = [m for p, m in at.items() if _within(p, path) and not p.startswith(entries)]
        services.append(
            msgspec.structs.replace(
                service,
                accepts=accepts,
                calls=calls,
                written=not own,
                review=(*service.review, *own),
            )
        )
    return msgspec.structs.replace(draft, services=tuple(services))


def _checked(entries: Iterable[DraftEntry], path: str, at: Mapping[str, str]) -> Iterator[DraftEntry]:
    number = 0
    for entry in entries:
        if not entry.written:
            yield entry
            continue
        messages = [message for where, message in at.items() if _within(where, f"{path}[{number}]")]
        number += 1
        if messages:
            entry = msgspec.structs.replace(entry, written=False, review=(*entry.review, *messages))
        yield entry


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))
