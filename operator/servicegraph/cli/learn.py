"""`servicegraph learn`: what observed traffic says of the graphs, and what it would add to them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from servicegraph.adopt.additions import Known, additions
from servicegraph.adopt.cast import Cast
from servicegraph.adopt.draft import Draft, settle
from servicegraph.adopt.flows import FlowEnd, FlowKey, Flows, tally
from servicegraph.adopt.learn import Judged, Learnt, SeenCall
from servicegraph.adopt.learn import learn as hold
from servicegraph.answers.observed import Observer
from servicegraph.cli import drafted, output, reading
from servicegraph.cli.reading import Reading, Where
from servicegraph.cli.scenes import Places, found_policies
from servicegraph.cli.text import Page, count, counts
from servicegraph.report.drafts import drafts_yaml
from servicegraph.sources import hubble
from servicegraph.sources.errors import InputError
from servicegraph.sources.files import STDIN
from servicegraph.verify.ends import Address, End, NamedPort, Pod

_MOST = 60
"""Rows of a table that people are shown."""

_ANY = "192.0.2.1"
"""Stands for addresses that are not told apart any more: one that no network has."""


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    YAML = "yaml"
    JSON = "json"


def learn(
    flows: Annotated[
        str, typer.Argument(metavar="FLOWS", help="Hubble's export or `hubble observe -o json`, gzipped or not; or -.")
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH...", help="The graphs and manifests: files, folders (recursive)."),
    ] = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    context: reading.Context = None,
    kubeconfig: reading.Kubeconfig = None,
    form: Annotated[Format, typer.Option("--output", "-o", help="text, yaml (additions only) or json.")] = Format.TEXT,
) -> None:
    """Hold observed traffic against ServiceGraphs: calls that no graph declares, declared calls that nobody made, and
    which of these flows the graphs would break, DryRun counting as Enforce.

    Graphs and manifests come from files or a cluster. What is missing is printed as entries to be added; without any
    graph, a first one is written for each namespace that has pods. No file is changed.

    Exit code 0: every call that was seen is declared, and passes. 1: some are not. 2: the input cannot be read.
    """
    names = list(paths or ())
    if flows == STDIN and STDIN in names:
        output.refuse([InputError("<stdin>", "flows and manifests cannot both come from standard input")])
    where = Where(namespace, profile, kubeconfig, context)
    read = reading.combine(
        where,
        reading.cluster(where) if where.names_cluster else None,
        reading.files(where, names) if names else None,
    )
    found = _flows(flows)
    observer = Observer(read.graphs, read.cluster, read.profile, found_policies(read))
    cast = Cast(found.calls, observer.terms(), read.cluster)
    learnt = hold(found, read.graphs, cast, lambda key: _judged(key, cast, observer))
    known = Known(read.profile.dns, observer.api_server_ports())
    drafts = additions(learnt.gaps, read.graphs, cast, "<stdin>" if flows == STDIN else flows, known)
    if not read.graphs:
        drafts = settle(drafts, (), read.cluster, read.profile)
    match form:
        case Format.TEXT:
            output.write(_text(found, learnt, drafts, read, flows))
        case Format.YAML:
            output.write(drafts_yaml(drafts))
        case Format.JSON:
            output.write(_json(found, learnt, drafts, Places(read), output.unlisted(read.gaps)))
    output.report(output.unlisted(read.gaps))
    fine = not (learnt.undeclared or learnt.broken or learnt.hindered)
    raise typer.Exit(output.FINE if fine else output.FINDINGS)


def _flows(name: str) -> Flows:
    try:
        return tally(hubble.observed(name))
    except InputError as error:
        output.refuse([error])


def _judged(key: FlowKey, cast: Cast, observer: Observer) -> Judged:
    opinion = observer.opinion(_end(key.source, cast), _end(key.destination, cast), key.protocol, key.port)
    stopped = " and ".join(opinion.stopped_by)
    return Judged(opinion.egress, opinion.ingress, opinion.isolated, opinion.origins, stopped)


def _end(end: FlowEnd, cast: Cast) -> End:
    """An end as policies see it; an address that is not known is like any outside."""
    if not end.is_pod:
        return Address(end.address or _ANY, end.names, end.entities)
    workload = cast.workload(end)
    named = [NamedPort(p.name, p.protocol, p.number) for p in (workload.ports if workload else ()) if p.name]
    return Pod(end.namespace, dict(end.labels), tuple(named))


def _text(found: Flows, learnt: Learnt, drafts: Sequence[Draft], read: Reading, flows: str) -> str:
    page = Page()
    page.line(f"{count(found.read, 'flow')} of {flows}: {count(learnt.calls, 'call')}")
    if found.left_out:
        page.line(f"left out: {counts(found.left_out)}", indent=2)
    if found.lost:
        page.line(f"lost by Hubble before it wrote them: {count(found.lost, 'flow')}", indent=2)
    _calls(page, "would be stopped", learnt.broken, "bold red")
    stopped = {_key(call) for call in learnt.broken}
    _calls(page, "not declared", [c for c in learnt.undeclared if _key(c) not in stopped], "bold yellow")
    _calls(page, "declared, and stopped all the same", learnt.hindered, "bold red")
    _calls(page, "stopped already, and declared nowhere", learnt.dropped, "bold")
    if learnt.unseen:
        places = Places(read)
        page.line()
        page.line((f"declared, and not seen: {len(learnt.unseen)}", "bold"))
        _table(page, [[origin.text, places.of_origin(origin).strip()] for origin in learnt.unseen])
    page.line()
    if not learnt.calls:
        page.line(("there are no flows that say anything: nothing is known of what is declared", "yellow"))
        return page.text()
    if not drafts:
        page.line(("every call that was seen is declared", "green"))
        return page.text()
    page.line((f"to be added, if it is meant: {', '.join(str(draft.key) for draft in drafts)}", "bold"))
    return page.text() + drafts_yaml(drafts)


def _key(call: SeenCall) -> tuple[str, ...]:
    return call.source, call.destination, call.protocol, str(call.port)


def _calls(page: Page, title: str, calls: Sequence[SeenCall], style: str) -> None:
    if calls:
        page.line()
        page.line((f"{title}: {len(calls)}", style))
        _table(page, [_row(call) for call in calls])


def _table(page: Page, rows: Sequence[Sequence[str]]) -> None:
    page.table(rows[:_MOST], indent=2)
    if len(rows) > _MOST:
        page.line(f"... and {len(rows) - _MOST} more: -o json has them all", indent=2)


def _row(call: SeenCall) -> list[str]:
    port = str(call.port) if call.protocol == "TCP" else f"{call.port}/{call.protocol}"
    stopped = f"stopped by {call.denied}" if call.denied else ""
    return [call.source, "->", call.destination, port, count(call.times, "flow"), stopped]


def _json(
    found: Flows, learnt: Learnt, drafts: Sequence[Draft], places: Places, problems: Sequence[output.Finding]
) -> str:
    kinds = {"stopped": learnt.broken, "undeclared": learnt.undeclared, "hindered": learnt.hindered}
    items = [
        {"finding": kind, **msgspec.to_builtins(call)}
        for kind, calls in (*kinds.items(), ("dropped", learnt.dropped))
        for call in calls
    ]
    summary: dict[str, Any] = {
        "flows": found.read,
        "leftOut": dict(found.left_out),
        "lost": found.lost,
        "calls": learnt.calls,
        **{kind: len(calls) for kind, calls in kinds.items()},
        "dropped": len(learnt.dropped),
        "unseen": [places.json(origin) for origin in learnt.unseen],
        "additions": [drafted.item(draft) for draft in drafts],
    }
    return output.envelope("Learn", items, problems, summary)
