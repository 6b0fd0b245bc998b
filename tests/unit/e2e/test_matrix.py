"""Which calls a matrix has, and when it is satisfied: with a program of this test's own in place of pods."""

import sys
from pathlib import Path

import pytest

from tests.e2e.ends import Ends, Source, Target, decided_by_policies
from tests.e2e.flows import Allowed
from tests.e2e.matrix import Matrix, Tally


def source(role: str, node: str = "one", pod: str = "", command: tuple[str, ...] = ()) -> Source:
    return Source(f"{role}@{node}/{pod or role}", role, node, node != "" and role != "host", command)


def target(role: str, node: str = "one", pod: str = "", by_service: bool = False) -> Target:
    url, arrivals = f"tcp://{role}.{node}:80", frozenset(((role, 8080),))
    where = frozenset((node,) if node else ())
    pods = frozenset((pod or role,))
    return Target(
        f"{role}@{node}", url, "TCP", arrivals, node != "" and role != "host", where, pods, by_service=by_service
    )


@pytest.mark.parametrize(
    ("caller", "called", "decided"),
    [
        (source("web"), target("search"), True),
        (source("web"), target("search", by_service=True), True),
        (source("web"), target("web"), False),
        (source("web", pod="web-1"), target("web", pod="web-2"), True),
        (source("web"), target("web", by_service=True), False),
        (source("web"), target("host"), False),
        (source("web"), target("host", "two"), True),
        (source("host"), target("web"), False),
        (source("host"), target("web", "two"), True),
        (source("host"), target("host", "two"), False),
        (source("outside", ""), target("web"), True),
        (source("outside", ""), target("web", by_service=True), False),
        (source("web"), target("outside", ""), True),
        (source("outside", ""), target("host"), False),
    ],
)
def test_what_policies_decide(caller: Source, called: Target, decided: bool) -> None:
    assert decided_by_policies(caller, called) is decided


def program(folder: Path, outcomes: dict[str, str]) -> tuple[str, ...]:
    """A command that answers as if it had called, with these outcomes by URL."""
    script = folder / "calls.py"
    script.write_text(
        "import json, sys\n"
        f"outcomes = {outcomes!r}\n"
        "for line in sys.stdin:\n"
        "    _, _, *urls = line.split()\n"
        "    results = [{'target': u, 'outcome': outcomes[u], 'name': ''} for u in urls]\n"
        "    print(json.dumps(results), flush=True)\n"
    )
    return (sys.executable, str(script))


def settle(folder: Path, outcome: str, *lines: str) -> Tally:
    called = target("search", "two")
    caller = source("web", command=program(folder, {called.url: outcome}))
    tally = Tally()
    ends = Ends((caller,), (called,))
    Matrix(ends, Allowed(lines, ends.roles)).settle(tally, lambda: "the graph says so", within=0)
    return tally


@pytest.mark.parametrize("outcome", ["timeout", "lookup-timeout"])
def test_what_is_allowed_must_be_answered(tmp_path: Path, outcome: str) -> None:
    with pytest.raises(AssertionError, match=f"open .* {outcome}"):
        settle(tmp_path, outcome, "web > search")


@pytest.mark.parametrize("outcome", ["answered", "refused", "unreachable", "no-such-name"])
def test_what_arrives_was_not_denied(tmp_path: Path, outcome: str) -> None:
    with pytest.raises(AssertionError, match=f"1 of 1 cells are wrong(.|\n)*closed .* {outcome}\nthe graph says so"):
        settle(tmp_path, outcome)


def test_a_matrix_settles_when_it_is_right_twice(tmp_path: Path) -> None:
    called = target("search", "two")
    caller = source("web", command=program(tmp_path, {called.url: "answered"}))
    ends, tally = Ends((caller,), (called,)), Tally()
    Matrix(ends, Allowed(["web > search: 8080"], ends.roles)).settle(tally)
    assert tally == Tally(matrices=1, cells=1, calls=2)


def test_a_program_that_cannot_call_is_no_denial(tmp_path: Path) -> None:
    caller = source("web", command=(sys.executable, str(tmp_path / "missing.py")))
    ends = Ends((caller,), (target("search", "two"),))
    with pytest.raises(AssertionError, match="cannot call"):
        Matrix(ends, Allowed([], ends.roles)).settle(Tally(), within=0)


def test_pods_that_differ_behind_a_service_must_agree() -> None:
    """Whom such a call reaches is left to chance: it is judged where all of them or none are allowed."""
    both = Target("Service", "tcp://s:80", "TCP", frozenset((("a", 1), ("b", 2))), True, by_service=True)
    ends = Ends((source("web"),), (both, target("a"), target("b")))
    roles = ends.roles
    judged = [Matrix(ends, Allowed(lines, roles)).cells for lines in (["web > a"], ["web > a, b"], [])]
    assert [[c.open for c in cells if c.target == both] for cells in judged] == [[], [True], [False]]
