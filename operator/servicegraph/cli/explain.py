"""`servicegraph explain`: may one end talk to another, why, and what would change that."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from servicegraph.answers.edits import Action, Edit, PolicyEdit
from servicegraph.answers.ends import Party, UnknownEndError, resolve
from servicegraph.answers.explain import Answer, End, Explanation, Outcome, troubles
from servicegraph.answers.explain import explain as ask
from servicegraph.answers.ports import Asked, asked
from servicegraph.answers.scene import Scene
from servicegraph.answers.whatif import Proposal, Question, proposals
from servicegraph.cli import output, reading
from servicegraph.cli.reading import Where
from servicegraph.cli.scenes import Places, scene_of
from servicegraph.cli.text import Page, entry
from servicegraph.model.policy import Direction
from servicegraph.model.ports import PortRange
from servicegraph.sources.errors import InputError

_STYLES = {Outcome.ALLOWED: "bold green", Outcome.DENIED: "bold red", Outcome.MIXED: "bold yellow"}


class Format(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


class Expected(StrEnum):
    """The answer that somebody counts on."""

    ALLOWED = "allowed"
    DENIED = "denied"


def explain(
    source: Annotated[
        str,
        typer.Argument(metavar="FROM", help="A service (search, shop/search), pod/NAME, an address, or a DNS name."),
    ],
    destination: Annotated[str, typer.Argument(metavar="TO", help="The same.")],
    port: Annotated[
        str | None,
        typer.Argument(
            metavar="PORT", help="A port of TO's Service, else of its pods: 80, http, 53/UDP. Default: all."
        ),
    ] = None,
    files: reading.Files = None,
    git: reading.Git = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    kubeconfig: reading.Kubeconfig = None,
    context: reading.Context = None,
    expect: Annotated[
        Expected | None, typer.Option("--expect", help="Exit with 1 unless all that is asked is allowed, or denied.")
    ] = None,
    form: Annotated[Format, typer.Option("--output", "-o", help="text or json.")] = Format.TEXT,
) -> None:
    """May FROM open a connection to TO? By which rules, for which entries of which graphs, and what would change it.

    Reads files (-f), a git revision of them (--git), a cluster (--context, --kubeconfig), or files as they would be
    once applied to a cluster (both). With none of these, the cluster of your current context.

    Exit code 0: answered. 1: --expect says otherwise. 2: the input cannot be read, or FROM, TO or PORT means nothing.
    """
    where = Where(namespace, profile, kubeconfig, context)
    found = reading.read(where, files or (), git, pods=_is_about_pods(source, destination))
    scene = scene_of(found)
    caller, callee = _end(source, scene, namespace, "FROM"), _end(destination, scene, namespace, "TO")
    answer = ask(scene, caller, callee, _port(port, callee))
    question = Question(caller, callee, answer.in_question, port)
    resources = {key: document.data for key, document in found.documents.items()}
    changes = proposals(scene, resources, question, answer)
    places = Places(found)
    problems = output.findings(troubles(scene, caller, callee), found.documents) + output.unlisted(found.gaps)
    if form is Format.JSON:
        output.write(_json(answer, changes, places, problems))
    else:
        _page(answer, changes, places, callee).write()
    output.report(problems)
    if expect is not None and answer.outcome.value != expect.value:
        raise typer.Exit(output.FINDINGS)


def _is_about_pods(*ends: str) -> bool:
    """Whether pods have to be read: for pod/NAME, and for an address that may be one's."""
    return any(text.startswith("pod/") or text.replace(".", "").isdigit() or ":" in text for text in ends)


def _end(text: str, scene: Scene, namespace: str | None, name: str) -> Party:
    try:
        return resolve(text, scene, namespace)
    except UnknownEndError as error:
        output.refuse([InputError(name, str(error))])


def _port(text: str | None, destination: Party) -> Asked | None:
    try:
        return asked(text, destination) if text is not None else None
    except ValueError as error:
        output.refuse([InputError("PORT", str(error))])


def _page(answer: Explanation, changes: Iterable[Proposal], places: Places, callee: Party) -> Page:
    page = Page()
    page.line(f"{answer.source} to {answer.destination}: ", (_headline(answer), _STYLES[answer.outcome]))
    for note in answer.notes:
        page.line((note, "dim"), indent=2)
    rest_told = False
    for one in answer.answers:
        if one.is_rest and rest_told:
            continue
        page.line()
        _answer(page, one, answer, places)
        rest_told = rest_told or one.is_rest
    for outcome in (Outcome.ALLOWED, Outcome.DENIED):
        _proposals(page, [proposal for proposal in changes if proposal.outcome is outcome], places)
    if not any(p.outcome is Outcome.ALLOWED for p in changes) and answer.outcome is not Outcome.ALLOWED:
        page.line()
        page.line(_no_way(answer, callee))
    return page


def _headline(answer: Explanation) -> str:
    if answer.outcome is not Outcome.MIXED:
        return answer.outcome.value
    counted = [a for a in answer.answers if not a.is_rest]
    ports = [_ports(a.ports, short=True) for a in counted if a.allowed]
    return f"allowed on {', '.join(dict.fromkeys(ports))}, denied otherwise"


def _answer(page: Page, one: Answer, whole: Explanation, places: Places) -> None:
    verdict = Outcome.ALLOWED if one.allowed else Outcome.DENIED
    ports = "every other port" if one.is_rest else _ports(one.ports, short=False)
    pods = "" if one.is_rest or (one.source, one.destination) == (whole.source, whole.destination) else _pods(one)
    page.line(ports, ": ", (verdict.value, _STYLES[verdict]), pods, indent=2)
    if one.is_rest:
        return
    for end, text in ((one.egress, one.source), (one.ingress, one.destination)):
        _side(page, end, text, places)


def _pods(one: Answer) -> str:
    return f" from {one.source} to {one.destination}"


def _side(page: Page, end: End, text: str, places: Places) -> None:
    way = f"out of {text}" if end.direction is Direction.EGRESS else f"into {text}"
    if end.outside:
        return
    if not end.isolated_by:
        page.line(way, ": ", ("no policy isolates it, so everything passes", "dim"), indent=4)
    elif not end.allowed:
        names = ", ".join(map(str, end.isolated_by))
        page.line(way, ": ", ("no rule", "red"), f" of {names}", indent=4)
    else:
        page.line(way, ": ", ("allowed by", "green"), indent=4)
        for reason in end.reasons:
            page.line(f"NetworkPolicy {reason.policy} {reason.rule}", places.of_policy(reason.policy), indent=6)
            for origin in reason.origins:
                page.line(("for ", "dim"), str(origin), places.of_origin(origin), indent=8)


def _ports(ranges: Iterable[PortRange], *, short: bool) -> str:
    found = list(ranges)
    if len(found) == 3 and all((r.start, r.end) == (1, 65535) for r in found):
        return "every port"
    shown = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
    return shown if short else f"port {shown}"


def _no_way(answer: Explanation, callee: Party) -> str:
    if callee.name:
        return f"No NetworkPolicy can say a DNS name: ask again with an address that {callee.name} resolves to."
    if not answer.in_question:
        return "Name a PORT to be told what would allow it."
    return "No single entry of a graph that was read here would allow it."


def _proposals(page: Page, found: list[Proposal], places: Places) -> None:
    if not found:
        return
    verb = "allow" if found[0].outcome is Outcome.ALLOWED else "deny"
    how = ", one of:" if len(found) > 1 else ", all of:" if len(found[0].edits) > 1 else ":"
    page.line()
    page.line((f"To {verb} it", "bold"), how)
    for edit in (edit for proposal in found for edit in proposal.edits):
        if isinstance(edit, Edit):
            _graph_edit(page, edit, places)
        else:
            _policy_edit(page, edit, places)


def _graph_edit(page: Page, edit: Edit, places: Places) -> None:
    where = f"the ServiceGraph {edit.graph}{places.of_path(edit.graph, edit.path)}"
    match edit.action:
        case Action.ADD:
            page.line(f"add to {edit.text} in {where}", indent=2)
            page.line((f"- {entry(edit.value)}", "cyan"), indent=6)
        case Action.REMOVE:
            page.line(f"remove from {edit.text} in {where}", indent=2)
            page.line((f"- {entry(edit.value)}", "cyan"), indent=6)
        case Action.SET:
            page.line(f"write in {where}, at {edit.path}", indent=2)
            field = edit.path.rpartition(".")[2]
            page.line((f"{field}: {entry(edit.value).removesuffix('...').strip()}", "cyan"), indent=6)
        case Action.CREATE:
            page.line(f"create {edit.text}", indent=2)
            for field, value in edit.value.items():
                page.line((f"{field}: {entry(value).removesuffix('...').strip()}", "cyan"), indent=6)


def _policy_edit(page: Page, edit: PolicyEdit, places: Places) -> None:
    where = f"the NetworkPolicy {edit.policy}{places.of_policy(edit.policy)}"
    if edit.action is Action.REMOVE:
        page.line(f"remove {edit.direction.value.lower()}[{edit.index}] from {where}", indent=2)
    else:
        page.line(f"add to {edit.direction.value.lower()} of {where}", indent=2)
        page.line((f"- {entry(edit.value)}", "cyan"), indent=6)


def _json(answer: Explanation, changes: Iterable[Proposal], places: Places, problems: list[output.Finding]) -> str:
    items = [_item(one, places) for one in answer.answers]
    return output.envelope(
        "Explain",
        items,
        problems,
        {
            "from": answer.source,
            "to": answer.destination,
            "outcome": answer.outcome.value,
            "ports": [str(r) for r in answer.in_question],
            "notes": list(answer.notes),
            "changes": [
                {"outcome": p.outcome.value, "edits": [_edit(edit, places) for edit in p.edits]} for p in changes
            ],
        },
    )


def _item(one: Answer, places: Places) -> dict[str, Any]:
    return {
        "from": one.source,
        "to": one.destination,
        "ports": [{"protocol": r.protocol, "from": r.start, "to": r.end} for r in one.ports],
        "allowed": one.allowed,
        "egress": _half(one.egress, places),
        "ingress": _half(one.ingress, places),
    }


def _half(end: End, places: Places) -> dict[str, Any]:
    return {
        "allowed": end.allowed,
        "isolatedBy": [str(key) for key in end.isolated_by],
        "allowedBy": [
            {"policy": str(r.policy), "rule": r.rule, "origins": [places.json(o) for o in r.origins]}
            for r in end.reasons
        ],
    }


def _edit(edit: Edit | PolicyEdit, places: Places) -> dict[str, Any]:
    file, line = places.at(edit)
    return {
        "kind": "ServiceGraph" if isinstance(edit, Edit) else "NetworkPolicy",
        "name": str(edit.graph if isinstance(edit, Edit) else edit.policy),
        "action": edit.action.value,
        "path": edit.path,
        "value": edit.value,
        "file": file,
        "line": line,
    }
