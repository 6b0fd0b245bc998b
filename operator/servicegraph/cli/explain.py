"""`servicegraph explain`: may one end talk to another, why, and what would change that."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from servicegraph.answers.edits import Edit, PolicyEdit
from servicegraph.answers.ends import Party, UnknownEndError, resolve
from servicegraph.answers.explain import Answer, End, Explanation, troubles
from servicegraph.answers.explain import explain as ask
from servicegraph.answers.ports import Asked, asked
from servicegraph.answers.scene import Scene
from servicegraph.answers.whatif import Proposal, Question, proposals
from servicegraph.cli import output, reading
from servicegraph.cli.explained import page_of
from servicegraph.cli.reading import Where
from servicegraph.cli.scenes import Places, scene_of
from servicegraph.sources.errors import InputError


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
        page_of(answer, changes, places, callee).write()
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
        "kind": "ServiceGraph" if isinstance(edit, Edit) else edit.policy.kind,
        "name": str(edit.graph if isinstance(edit, Edit) else edit.policy),
        "action": edit.action.value,
        "path": edit.path,
        "value": edit.value,
        "file": file,
        "line": line,
    }
