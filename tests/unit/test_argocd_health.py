"""What Argo CD shows for a graph, on statuses that the operator's own code writes."""

import ast
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.controller.plan import Held
from servicegraph.controller.proving import Finding
from servicegraph.controller.status import Failure, Outcome, build_invalid
from servicegraph.model.compilation import EdgeState
from servicegraph.model.graph import Ignore
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Code, Severity
from tests.contract import ROOT
from tests.support.lua import health
from tests.unit.controller.statuses import BUSY, NOW, TAKEN, problem, result, status

GRAPH = ROOT / "config" / "argocd" / "health" / "servicegraph.lua"
APPLICATION = ROOT / "config" / "argocd" / "waves" / "application.lua"
CONTROLLER = ROOT / "operator" / "servicegraph" / "controller"

ACTIVE, WAITS, UNRESOLVED, UNSUPPORTED = (
    EdgeState.ACTIVE,
    EdgeState.AWAITING_CONSENT,
    EdgeState.UNRESOLVED,
    EdgeState.UNSUPPORTED,
)
CALL = ".spec.services[0].calls[0]"
NO_PORT = problem(Code.PORT_NOT_FOUND, Severity.ERROR, f"{CALL}.ports[0]")
NO_CONSENT = problem(Code.AWAITING_CONSENT, Severity.WARNING, CALL)
NO_FQDN = problem(Code.UNSUPPORTED_FQDN, Severity.ERROR, CALL)
UNUSED = problem(Code.UNUSED_CONSENT, Severity.INFO, CALL)
IGNORED = (Ignore(Code.PORT_NOT_FOUND, None, "not in this cluster"),)
EXTRA = Finding(("extra: a -> b 80",))


def failed(reason: str, lasting: bool = True) -> Outcome:
    return Outcome(pending=not lasting, failures=(Failure("sg-x", reason, "what to do", lasting),))


IN_PLACE = "2 policies are in place"
EDGES = "of 1 edges: 1"
SITUATIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "applied": (status(result(ACTIVE)), "Healthy", IN_PLACE),
    "good to know": (status(result(ACTIVE, problems=(UNUSED,))), "Healthy", IN_PLACE),
    "applying": (
        status(result(), Outcome(pending=1)),
        "Progressing",
        "Applying: 1 policy is not yet accepted by the API server",
    ),
    "retrying": (status(result(), Outcome(pending=1, failures=(BUSY,))), "Progressing", "Retrying: 429"),
    "changed": (status(result(), failed("Changed", False)), "Progressing", "Changed: what to do"),
    "name taken": (status(result(), Outcome(failures=(TAKEN,))), "Degraded", "NameTaken: delete theirs"),
    "name taken, others retried": (status(result(), Outcome(1, (BUSY, TAKEN))), "Degraded", "NameTaken: delete theirs"),
    "forbidden": (status(result(), failed("Forbidden")), "Degraded", "Forbidden: what to do"),
    "refused": (status(result(), failed("PolicyRefused")), "Degraded", "PolicyRefused: what to do"),
    "not written": (status(result(), failed("Inexact")), "Degraded", "Inexact: what to do"),
    "invalid": (
        build_invalid([problem(Code.INVALID, Severity.ERROR, CALL)], 3, {}, NOW),
        "Degraded",
        f"Invalid: {CALL}: what to do. The policies stay as they were until this is corrected",
    ),
    "awaits consent": (
        status(result(WAITS, problems=(NO_CONSENT,))),
        "Healthy",
        f"{IN_PLACE}; {EDGES} await consent; see problems; AwaitingConsent at {CALL}: what to do",
    ),
    "unresolved": (
        status(result(UNRESOLVED, problems=(NO_PORT, NO_CONSENT))),
        "Degraded",
        f"PortNotFound at {CALL}.ports[0]: what to do",
    ),
    "unresolved and ignored": (
        status(result(UNRESOLVED, problems=(NO_PORT,), ignores=IGNORED)),
        "Healthy",
        f"{IN_PLACE}; {EDGES} unresolved; see problems",
    ),
    "unsupported": (
        status(result(UNSUPPORTED, problems=(NO_FQDN,))),
        "Degraded",
        f"UnsupportedFQDN at {CALL}: what to do",
    ),
    "inexact": (
        status(result(ACTIVE), Outcome(proof=EXTRA)),
        "Degraded",
        "Inexact: not exactly what is declared: extra: a -> b 80",
    ),
    "inexact comes before an entry": (
        status(result(UNRESOLVED, problems=(NO_PORT,)), Outcome(proof=EXTRA)),
        "Degraded",
        "Inexact: not exactly what is declared: extra: a -> b 80",
    ),
    "trusted": (status(result(), Outcome(proof=Finding((), ("extra: c",)))), "Healthy", IN_PLACE),
    "unmodelled": (
        status(result(), Outcome(unmodelled="X y")),
        "Healthy",
        f"{IN_PLACE}; not proven: X y can select these pods, and what they allow is not known here",
    ),
    "tangled": (
        status(result(), Outcome(proof=Finding(unproven=True))),
        "Healthy",
        f"{IN_PLACE}; not proven: policies of others select these pods by so many labels "
        "that nobody can tell them apart",
    ),
    "dry run": (
        status(result(mode=Mode.DRY_RUN), Outcome(held=Held(1, 2, 3))),
        "Healthy",
        "DryRun: nothing is written; Enforce would create 1, update 2 and delete 3 policies",
    ),
    "dry run of much that is wrong": (
        status(result(UNRESOLVED, mode=Mode.DRY_RUN, problems=(NO_PORT,)), Outcome(held=Held(1, 2, 3), proof=EXTRA)),
        "Healthy",
        "DryRun: nothing is written; Enforce would create 1, update 2 and delete 3 policies; "
        f"{EDGES} unresolved; see problems; not exactly what is declared: extra: a -> b 80; "
        f"PortNotFound at {CALL}.ports[0]: what to do",
    ),
    "off": (status(result(mode=Mode.OFF)), "Suspended", "the graph is off: its policies are removed"),
}
"""A status, and what Argo CD makes of it."""


def graph(found: dict[str, Any] | None, generation: int = 3) -> dict[str, Any]:
    whole: dict[str, Any] = {"metadata": {"name": "shop", "namespace": "shop", "generation": generation}, "spec": {}}
    return whole if found is None else {**whole, "status": found}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation_has_its_health_and_says_why(situation: str) -> None:
    found, *expected = SITUATIONS[situation]
    assert [*health(GRAPH, graph(found))] == expected


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_was_said_of_another_version_counts_for_nothing(situation: str) -> None:
    code, message = health(GRAPH, graph(SITUATIONS[situation][0], generation=4))
    assert (code, "this version" in message) == ("Progressing", True)


@pytest.mark.parametrize("found", [None, {}, {"conditions": []}])
def test_a_graph_that_nobody_looked_at_asks_for_an_operator(found: dict[str, Any] | None) -> None:
    code, message = health(GRAPH, graph(found))
    assert (code, "does one run" in message) == ("Progressing", True)


def reasons() -> set[str]:
    """Every reason that a condition can have, read from the code that gives them."""
    words = [
        n.value for n in ast.walk(ast.parse((CONTROLLER / "status.py").read_text())) if isinstance(n, ast.Constant)
    ]
    for file in CONTROLLER.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        failures = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Failure"]
        words += [
            argument.value for call in failures for argument in call.args[1:2] if isinstance(argument, ast.Constant)
        ]
    kinds = {"Ready", "Reconciling", "Stalled", "EdgesResolved", "Verified", "True", "False", "Unknown"}
    return {word for word in words if isinstance(word, str) and re.fullmatch(r"[A-Z][A-Za-z]+", word)} - kinds


def test_every_reason_of_the_operator_occurs_in_a_situation() -> None:
    shown = {condition["reason"] for found, _, _ in SITUATIONS.values() for condition in found["conditions"]}
    assert {"Applied", "NameTaken", "PolicyRefused", "ExactExceptTrusted"} <= reasons()
    assert reasons() <= shown


TEXT = st.sampled_from(["", "Off", "DryRun", "x"])


def some(**fields: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """An object with any of the fields: what is null is not there in Lua."""
    return st.fixed_dictionaries({}, optional=fields)


CONDITION = some(
    type=st.sampled_from(["Ready", "Stalled", "Verified", "EdgesResolved", "Other"]),
    status=st.sampled_from(["True", "False", "Unknown"]),
    reason=TEXT,
    message=TEXT,
)
CONDITIONS = st.lists(CONDITION, max_size=6)
READY = {"type": "Ready", "status": "True"}
PROBLEM = some(code=TEXT, severity=st.sampled_from(["error", "warning", "info"]), path=TEXT, message=TEXT)


@given(
    st.fixed_dictionaries(
        {"observedGeneration": st.just(3)},
        optional={
            "conditions": CONDITIONS | CONDITIONS.map(lambda conditions: [*conditions, READY]),
            "problems": st.lists(PROBLEM, max_size=2),
        },
    )
)
def test_an_odd_status_is_no_error(found: dict[str, Any]) -> None:
    code, message = health(GRAPH, graph(found))
    assert code in {"Healthy", "Progressing", "Suspended", "Degraded"}
    assert isinstance(message, str)


@pytest.mark.parametrize(
    ("sync", "shown", "phase", "expected"),
    [
        (None, None, None, "Progressing"),
        ("OutOfSync", "Healthy", None, "Progressing"),
        ("OutOfSync", "Missing", "Running", "Progressing"),
        ("Synced", "Healthy", "Running", "Progressing"),
        ("Synced", "Healthy", None, "Healthy"),
        ("OutOfSync", "Healthy", "Succeeded", "Healthy"),
        ("Synced", "Degraded", "Succeeded", "Degraded"),
        ("OutOfSync", "Missing", "Failed", "Missing"),
    ],
)
def test_an_application_is_not_healthy_before_it_is_synced(
    sync: str | None, shown: str | None, phase: str | None, expected: str
) -> None:
    parts = {"sync": ("status", sync), "health": ("status", shown), "operationState": ("phase", phase)}
    found = {part: {key: value} for part, (key, value) in parts.items() if value is not None}
    assert health(APPLICATION, {"metadata": {}, "status": found})[0] == expected
    assert health(APPLICATION, {"metadata": {}})[0] == "Progressing"


def test_the_page_names_every_reason() -> None:
    page = (ROOT / "docs" / "gitops.md").read_text()
    rows = [line for line in page.splitlines() if re.match(r"\| (Healthy|Suspended|Progressing|Degraded)", line)]
    assert reasons() <= set(re.findall(r"\w+", " ".join(row.split("|")[3] for row in rows)))
