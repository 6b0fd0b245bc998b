"""`servicegraph diff`: what a change means in flows."""

import json
from collections import Counter
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated, Any

import typer

from servicegraph.answers.diff import Difference, FlowChange
from servicegraph.answers.diff import diff as ask
from servicegraph.cli import output, reading
from servicegraph.cli.reading import Reading, Where
from servicegraph.cli.scenes import Places, scene_of
from servicegraph.cli.text import Page, counts
from servicegraph.model.policy import Direction
from servicegraph.model.ports import PortRange
from servicegraph.report import sarif
from servicegraph.report.flowtable import Row, markdown
from servicegraph.sources import git as revisions
from servicegraph.sources.errors import InputError
from servicegraph.sources.inputs import Input
from servicegraph.verify.changes import ChangeKind

HELP_PAGE = "docs/diff.md"
_STYLES = {True: "bold red", False: "bold green"}
_EVERYTHING = "every port"


class Format(StrEnum):
    """How the changes are printed."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    SARIF = "sarif"


class FailOn(StrEnum):
    """What ends the command with 1. WIDENED: somebody reaches what they could not before."""

    WIDENED = "widened"
    CHANGED = "changed"


def diff(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OLD] NEW", help="Files, folders or -. NEW alone is compared with the cluster."),
    ] = None,
    git: Annotated[
        str | None,
        typer.Option(
            metavar="A..B", help="Compare two revisions of the paths; `--git main`: with the files as they are now."
        ),
    ] = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    kubeconfig: reading.Kubeconfig = None,
    context: reading.Context = None,
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="Exit with 1 when access widens, or when anything changes.")
    ] = None,
    form: Annotated[Format, typer.Option("--output", "-o", help="text, markdown, json or sarif.")] = Format.TEXT,
) -> None:
    """What a change means in flows: added, removed, widened, narrowed, and what is isolated now or not any more.

    Compares two files or folders (OLD NEW), two git revisions of them (--git main..HEAD PATH...), or the cluster with
    what it would be once NEW is applied to it (NEW --context). With --context and two sides, both count as applied.

    Exit code 0: compared. 1: --fail-on applies. 2: the input cannot be read.
    """
    where = Where(namespace, profile, kubeconfig, context)
    before, after = _sides(where, paths or [], git)
    found = ask(scene_of(before), scene_of(after))
    places = {True: Places(after), False: Places(before)}
    problems = output.unlisted(after.gaps)
    match form:
        case Format.TEXT:
            _page(found, places).write()
        case Format.MARKDOWN:
            output.write(markdown(_headline(found), [_row(change, places) for change in found.changes], _asides(found)))
        case Format.JSON:
            output.write(_json(found, places, problems))
        case Format.SARIF:
            log = sarif.sarif(_findings(found, places), version("servicegraph"), HELP_PAGE)
            output.write(json.dumps(log, indent=2) + "\n")
    output.report(problems)
    if (fail_on is FailOn.WIDENED and found.widens) or (fail_on is FailOn.CHANGED and found.changes):
        raise typer.Exit(output.FINDINGS)


def _sides(where: Where, paths: list[str], git: str | None) -> tuple[Reading, Reading]:
    """What is compared. Ends the command where nothing is named, or neither side holds anything."""
    live = reading.cluster(where) if where.names_cluster else None
    sides: tuple[Input | None, Input]
    if git is not None:
        try:
            old, new = revisions.revisions(git)
        except InputError as error:
            output.refuse([error])
        sides = reading.files(where, paths, old), reading.files(where, paths, new)
    elif len(paths) == 2:
        sides = reading.files(where, paths[:1]), reading.files(where, paths[1:])
    elif len(paths) == 1:
        live = live or reading.cluster(where)
        sides = None, reading.files(where, paths)
    else:
        wanted = "name OLD and NEW, or NEW to compare it with the cluster, or --git main..HEAD"
        output.refuse([InputError("diff", f"there is nothing to compare: {wanted}")])
    before, after = (reading.combine(where, live, side) for side in sides)
    if before.is_empty and after.is_empty:
        output.refuse([reading.nothing(paths)])
    return before, after


def _page(found: Difference, places: dict[bool, Places]) -> Page:
    page = Page()
    page.line((_headline(found), "bold"))
    for change in found.changes:
        page.line()
        name = _name(change)
        style = _STYLES[change.kind.more] if change.effective else "dim"
        page.line((name, style), "  ", _flow(change))
        for text in _why(change, places):
            page.line((text, "dim"), indent=len(name) + 2)
    for aside in _asides(found):
        page.line()
        page.line((aside, "dim"))
    return page


def _headline(found: Difference) -> str:
    told = [change for change in found.changes if change.effective]
    if not told:
        return "No flow changes."
    spread = counts(Counter(change.kind.value.lower() for change in told))
    return f"{spread}: access {'widens' if found.widens else 'does not widen'}."


def _asides(found: Difference) -> list[str]:
    if not found.relabelled:
        return []
    return [f"Selected by other labels than before, with the same flows: {', '.join(found.relabelled)}."]


def _name(change: FlowChange) -> str:
    return change.kind.value.lower() if change.effective else f"({change.kind.value.lower()} at one end)"


def _flow(change: FlowChange) -> str:
    if change.kind in (ChangeKind.OPENED, ChangeKind.ISOLATED):
        into = change.reasons[0].direction is Direction.INGRESS if change.reasons else change.source == "anywhere"
        end = change.destination if into else change.source
        side = "ingress" if into else "egress"
        if change.kind is ChangeKind.OPENED:
            return f"{end}: nothing isolates its {side} any more, everything may pass"
        return f"{end}: its {side} is isolated now, only what policies allow may pass"
    return f"{change.source} to {change.destination} [{ports_text(change)}]"


def ports_text(change: FlowChange) -> str:
    """The ports of a change, the first ones."""
    ranges = [port for port in change.ports if isinstance(port, PortRange)]
    if len(ranges) == 3 and all((r.start, r.end) == (1, 65535) for r in ranges):
        return _EVERYTHING
    return ", ".join(map(str, change.ports[:8])) + (", ..." if len(change.ports) > 8 else "")


def _why(change: FlowChange, places: dict[bool, Places]) -> tuple[str, ...]:
    """The entries behind a change, else the rules, each once."""
    at = places[_is_new(change)]
    told: dict[str, None] = {}
    for reason in change.reasons:
        for origin in reason.origins:
            told[f"{origin}{at.of_origin(origin)}"] = None
        if not reason.origins:
            word = "was isolated by " if change.kind is ChangeKind.OPENED else ""
            told[f"{word}{reason.cause.policy.kind} {reason.cause}{at.of_policy(reason.cause.policy)}"] = None
    return tuple(told)


def _is_new(change: FlowChange) -> bool:
    """Whether the reasons stand in the new side."""
    return change.kind in (ChangeKind.ADDED, ChangeKind.WIDENED, ChangeKind.ISOLATED)


def _row(change: FlowChange, places: dict[bool, Places]) -> Row:
    ports = "" if change.kind in (ChangeKind.OPENED, ChangeKind.ISOLATED) else ports_text(change)
    return Row(_name(change), change.source, change.destination, ports, _why(change, places), change.kind.more)


def _json(found: Difference, places: dict[bool, Places], problems: list[output.Finding]) -> str:
    told = Counter(change.kind for change in found.changes if change.effective)
    return output.envelope(
        "Diff",
        [_item(change, places) for change in found.changes],
        problems,
        {
            **{kind.value.lower(): told[kind] for kind in ChangeKind},
            "ineffective": sum(not change.effective for change in found.changes),
            "relabelled": list(found.relabelled),
            "widens": found.widens,
        },
    )


def _item(change: FlowChange, places: dict[bool, Places]) -> dict[str, Any]:
    at = places[_is_new(change)]
    return {
        "kind": change.kind.value,
        "from": change.source,
        "to": change.destination,
        "ports": [str(port) for port in change.ports],
        "effective": change.effective,
        "reasons": [
            {
                "direction": reason.direction.value,
                "policy": str(reason.cause.policy),
                "rule": reason.cause.place or None,
                "origins": [at.json(origin) for origin in reason.origins],
            }
            for reason in change.reasons
        ],
    }


def _findings(found: Difference, places: dict[bool, Places]) -> list[sarif.Finding]:
    findings = []
    for change in found.changes:
        if change.effective:
            level: sarif.Level = "warning" if change.kind.more else "note"
            file, line = _place(change, places[_is_new(change)])
            message = f"{change.kind.value}: {_flow(change)}"
            findings.append(sarif.Finding(f"Access{change.kind.value}", level, message, file, line))
    return findings


def _place(change: FlowChange, at: Places) -> tuple[str, int]:
    for reason in change.reasons:
        for origin in reason.origins:
            entry = at.json(origin)
            return entry["file"], entry["line"]
        return at.policy(reason.cause.policy)
    return "", 0
