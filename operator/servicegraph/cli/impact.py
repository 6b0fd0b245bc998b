"""`servicegraph impact`: whom an attacker inside a service reaches, and who reaches it."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import typer

from servicegraph.answers.ends import UnknownEndError, find_service
from servicegraph.answers.impact import Impact, Reached
from servicegraph.answers.impact import impact as ask
from servicegraph.answers.reach import Reach, Via
from servicegraph.cli import output, reading
from servicegraph.cli.reading import Where
from servicegraph.cli.scenes import Places, scene_of
from servicegraph.cli.text import Page, count
from servicegraph.model.refs import ServiceKey
from servicegraph.sources.errors import InputError

_LISTED = 20


class Format(StrEnum):
    """How the answer is printed."""

    TEXT = "text"
    JSON = "json"


def impact(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="A service: search, or shop/search.")],
    files: reading.Files = None,
    git: reading.Git = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    kubeconfig: reading.Kubeconfig = None,
    context: reading.Context = None,
    all_: Annotated[bool, typer.Option("--all", help=f"List every service, not the first {_LISTED}.")] = False,
    form: Annotated[Format, typer.Option("--output", "-o", help="text or json.")] = Format.TEXT,
) -> None:
    """Whom does an attacker inside SERVICE reach, through how many hops, and who reaches it?

    Tells the numbers without policies and with them, and the single calls whose removal shrinks them most. Reads what
    explain reads: files (-f), a git revision (--git), a cluster (--context), or files upon a cluster.

    Exit code 0: answered. 2: the input cannot be read, or there is no such service.
    """
    found = reading.read(Where(namespace, profile, kubeconfig, context), files or (), git)
    scene = scene_of(found)
    try:
        key = find_service(service, scene, namespace)
    except UnknownEndError as error:
        output.refuse([InputError("SERVICE", str(error))])
    reach = Reach(scene)
    if key not in reach.services:
        output.refuse([InputError("SERVICE", f"{key} has no pods of its own that anything here tells of")])
    answer = ask(reach, key)
    problems = output.unlisted(found.gaps)
    places = Places(found)
    if form is Format.JSON:
        output.write(_json(answer, places, problems))
    else:
        _page(answer, places, None if all_ else _LISTED).write()
    output.report(problems)


def _page(answer: Impact, places: Places, most: int | None) -> Page:
    page = Page()
    page.line((str(answer.service), "bold"))
    page.table(
        [
            ("", ("without policies", "dim"), ("with them", "dim")),
            ("reaches directly", str(answer.others), _number(_direct(answer.reaches), answer.others)),
            ("reaches in all", str(answer.others), _number(len(answer.reaches), answer.others)),
            ("is reached directly by", str(answer.others), _number(_direct(answer.reached_by), answer.others)),
            ("is reached in all by", str(answer.others), _number(len(answer.reached_by), answer.others)),
            ("reaches outside the cluster", "yes", _outside(answer, answer.exits)),
            ("is reached from outside", "yes", _outside(answer, answer.entrances)),
        ],
        indent=2,
    )
    _list(page, "It reaches", answer.reaches, places, most)
    _list(page, "It is reached by", answer.reached_by, places, most)
    if answer.cuts:
        page.line()
        page.line(("To shrink what it reaches", "bold"), ", remove one of:")
        for cut in answer.cuts:
            page.line(_via(cut.via, places), ("  takes away ", "dim"), count(len(cut.services), "service"), indent=2)
    return page


def _number(number: int, others: int) -> tuple[str, str]:
    return str(number), "green" if number < others else "red"


def _outside(answer: Impact, through: tuple[ServiceKey, ...]) -> str:
    if not through:
        return "no"
    if answer.service in through:
        return "yes"
    shown = ", ".join(map(str, through[:3]))
    return f"through {shown}" + (f" and {len(through) - 3} more" if len(through) > 3 else "")


def _list(page: Page, title: str, found: tuple[Reached, ...], places: Places, most: int | None) -> None:
    if not found:
        return
    page.line()
    hops = Counter(reached.hops for reached in found)
    spread = ", ".join(f"{hops[n]} in {count(n, 'hop')}" for n in sorted(hops))
    page.line((title, "bold"), f" {count(len(found), 'service')}: {spread}")
    rows: list[tuple[str | tuple[str, str], ...]] = [
        (str(r.hops), str(r.service), ("by " + _via(r.via, places), "dim")) for r in found[:most]
    ]
    page.table(rows, indent=2)
    if most is not None and len(found) > most:
        page.line(f"... and {len(found) - most} more: --all lists them", indent=2)


def _direct(found: Iterable[Reached]) -> int:
    return sum(reached.hops == 1 for reached in found)


def _via(via: Via, places: Places) -> str:
    if via.origin is not None:
        return f"{via.origin}{places.of_origin(via.origin)}"
    if via.policy is not None:
        return f"{via.policy.kind} {via.policy} {via.rule}{places.of_policy(via.policy)}"
    return "no policy"


def _json(answer: Impact, places: Places, problems: list[output.Finding]) -> str:
    items = [_item(reached, "reaches", places) for reached in answer.reaches]
    items += [_item(reached, "reachedBy", places) for reached in answer.reached_by]
    return output.envelope(
        "Impact",
        items,
        problems,
        {
            "service": str(answer.service),
            "before": {"direct": answer.others, "total": answer.others},
            "after": {
                "reaches": {"direct": _direct(answer.reaches), "total": len(answer.reaches)},
                "reachedBy": {"direct": _direct(answer.reached_by), "total": len(answer.reached_by)},
            },
            "exits": [str(key) for key in answer.exits],
            "entrances": [str(key) for key in answer.entrances],
            "cuts": [
                {**_via_json(cut.via, places), "services": [str(key) for key in cut.services]} for cut in answer.cuts
            ],
        },
    )


def _item(reached: Reached, relation: str, places: Places) -> dict[str, Any]:
    return {
        "relation": relation,
        "service": str(reached.service),
        "hops": reached.hops,
        "neighbour": str(reached.neighbour),
        **_via_json(reached.via, places),
    }


def _via_json(via: Via, places: Places) -> dict[str, Any]:
    return {
        "origin": places.json(via.origin) if via.origin else None,
        "policy": str(via.policy) if via.policy else None,
        "rule": via.rule or None,
    }
