"""The answer of `servicegraph explain` as people read it."""

from collections.abc import Iterable

from servicegraph.answers.edits import Action, Edit, PolicyEdit
from servicegraph.answers.ends import Party
from servicegraph.answers.explain import Answer, End, Explanation, Outcome
from servicegraph.answers.whatif import Proposal
from servicegraph.cli.scenes import Places
from servicegraph.cli.text import Page, entry
from servicegraph.model.policy import Direction
from servicegraph.model.ports import PortRange

_STYLES = {Outcome.ALLOWED: "bold green", Outcome.DENIED: "bold red", Outcome.MIXED: "bold yellow"}


def page_of(answer: Explanation, changes: Iterable[Proposal], places: Places, callee: Party) -> Page:
    """Who asks for whom, each verdict with its reasons, and what would change it."""
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
            page.line(f"{reason.policy.kind} {reason.policy} {reason.rule}", places.of_policy(reason.policy), indent=6)
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
    where = f"the {edit.policy.kind} {edit.policy}{places.of_policy(edit.policy)}"
    if edit.action is Action.REMOVE:
        page.line(f"remove {edit.direction.value.lower()}[{edit.index}] from {where}", indent=2)
    else:
        page.line(f"add to {edit.direction.value.lower()} of {where}", indent=2)
        page.line((f"- {entry(edit.value)}", "cyan"), indent=6)
