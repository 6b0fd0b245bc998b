"""`servicegraph init`: a first graph for an application that has none."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from servicegraph.adopt.additions import SYSTEM
from servicegraph.adopt.draft import Draft, settle
from servicegraph.adopt.init import drafts
from servicegraph.cli import drafted, output, reading
from servicegraph.model.profile import ClusterProfile
from servicegraph.report.drafts import drafts_yaml
from servicegraph.sources import application
from servicegraph.sources.application import Application
from servicegraph.sources.documents import documents
from servicegraph.sources.errors import InputError

_NOTHING = "there is no workload: name what holds some, or a cluster that does with --context"
_NOTHING_LEFT = "every namespace has a ServiceGraph: servicegraph learn finds what it lacks"


class Format(StrEnum):
    """How the graphs are printed."""

    YAML = "yaml"
    JSON = "json"


def init(
    paths: reading.Paths = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    context: reading.Context = None,
    kubeconfig: reading.Kubeconfig = None,
    form: Annotated[Format, typer.Option("--output", "-o", help="yaml or json.")] = Format.YAML,
) -> None:
    """Write a first ServiceGraph for each namespace of an application that has none, from its manifests.

    Calls are found where env, ConfigMaps, arguments and annotations name Services; exposure where Ingresses, routes
    and Services say it. Each entry tells where it was seen; what is unsure is marked `review:`. Secrets are not read.
    The graphs are DryRun: nothing is enforced before you say so.

    Exit code 0: fine. 2: the input cannot be read, or there is nothing to write a graph for.
    """
    where = reading.Where(namespace, profile, kubeconfig, context)
    names = list(paths or ())
    if names and where.names_cluster:
        output.refuse(
            [InputError(", ".join(names), "a graph is written from files or from a cluster: name one of them")]
        )
    if names:
        found, chosen = application.read(documents(names), namespace), reading.written_profile(where)
    else:
        found, chosen = _cluster(where)
    if found.input.errors:
        output.refuse(sorted(found.input.errors, key=lambda error: error.order))
    read = found.input
    done = {graph.key.namespace for graph in read.graphs}
    left_out = done if names or namespace else done.union(SYSTEM)
    first = drafts(read.cluster, found.configuration, chosen, left_out)
    graphs = settle(first, read.graphs, read.cluster, chosen)
    if not graphs:
        output.refuse([InputError(", ".join(names) or "cluster", _NOTHING_LEFT if done else _NOTHING)])
    gaps = output.unlisted(read.gaps)
    if form is Format.JSON:
        output.write(output.envelope("Init", list(map(drafted.item, graphs)), gaps, _summary(graphs)))
    else:
        output.write(drafts_yaml(graphs))
    output.report(gaps)
    for key, document in read.documents.items():
        output.hint(document, f"{key.namespace} has this ServiceGraph: none is written for it")


def _cluster(where: reading.Where) -> tuple[Application, ClusterProfile]:
    """An application as it runs."""
    from servicegraph.sources import manifests
    from servicegraph.sources.api import ApiClient, ApiError

    async def look(client: ApiClient, name: str) -> tuple[Application, ClusterProfile]:
        try:
            found, gaps = await manifests.read(client, name, where.namespace or "")
        except ApiError as error:
            output.refuse([InputError(name, f"the API server does not answer: {error}")])
        whole = application.read(found, where.namespace)
        return application.with_gaps(whole, gaps), await reading.in_force(where, client, name)

    return asyncio.run(reading.connected(where, look))


def _summary(graphs: list[Draft]) -> dict[str, int]:
    services = [service for graph in graphs for service in graph.services]
    entries = [entry for service in services for entry in (*service.accepts, *service.calls)]
    reviews = sum(len(service.review) for service in services) + sum(bool(entry.review) for entry in entries)
    calls = sum(call.written for service in services for call in service.calls)
    return {"graphs": len(graphs), "services": len(services), "calls": calls, "reviews": reviews}
