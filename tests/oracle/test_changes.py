"""What verify/ says of a change of policies, held against engines: nothing is missed, nothing is made up."""

from collections.abc import Sequence
from random import Random

import pytest

from servicegraph.model.policy import Direction
from servicegraph.verify.changes import Change, ChangeKind, compare
from servicegraph.verify.portsets import PortName
from servicegraph.verify.reading import read
from tests.oracle.bench import CASES
from tests.oracle.casefile import dump
from tests.oracle.cases import Case, Question, questions
from tests.oracle.compare import Engines
from tests.oracle.generator import edited, generate
from tests.oracle.witness import Flows, half, shown

SAMPLE = 150
SEEDS = range(CASES // 5)


@pytest.mark.parametrize("seed", SEEDS, ids="seed-{:04}".format)
def test_no_change_is_missed(seed: int, engines: Engines) -> None:
    old, new, changes = _change(seed)
    changed = engines.nca.changed(old, new)
    assert changed.added <= any(change.kind.more for change in changes), _printed(old, new)
    assert changed.removed <= any(not change.kind.more for change in changes), _printed(old, new)
    every = list(questions(old))
    asked = Random(seed).sample(every, min(SAMPLE, len(every)))
    before, after = engines.cyclonus.halves(old, asked), engines.cyclonus.halves(new, asked)
    for question, was, now in zip(asked, before, after, strict=True):
        for direction in Direction:
            if (more := half(now, direction)) != half(was, direction):
                assert _mentioned(changes, old, question, direction, more), f"{question}\n{_printed(old, new)}"


@pytest.mark.parametrize("seed", SEEDS, ids="seed-{:04}".format)
def test_no_change_is_made_up(seed: int, engines: Engines) -> None:
    """Of every change, cyclonus says the same of pods and addresses that it is said of."""
    old, new, changes = _change(seed)
    for change in filter(_must_show, changes):
        flows = Flows(change.namespace, change.pods, change.direction, change.peer, change.ports)
        case, question = shown(flows, old, new)
        was, now = engines.cyclonus.around(case, new.policies, question)
        assert (half(was, change.direction), half(now, change.direction)) == (not change.kind.more, change.kind.more)


def _must_show(change: Change) -> bool:
    """Whether the change makes a difference to somebody.

    Two kinds may make none (docs/proof.md): a port by its name, all of whose numbers other rules allow already, and
    pods isolated by policies that allow them everything.
    """
    by_name = all(isinstance(port, PortName) for port in change.ports)
    return not by_name and change.kind is not ChangeKind.ISOLATED


def _change(seed: int) -> tuple[Case, Case, Sequence[Change]]:
    old = generate(seed)
    new = edited(old, seed)
    return old, new, compare(map(read, old.policies), map(read, new.policies), old.namespaces)


def _mentioned(changes: Sequence[Change], case: Case, question: Question, direction: Direction, more: bool) -> bool:
    """Whether some change is of this kind, at pods of this namespace."""
    subject = question.source if direction is Direction.EGRESS else question.destination
    namespace = subject.partition("/")[0]
    return any((c.namespace, c.direction, c.kind.more) == (namespace, direction, more) for c in changes)


def _printed(old: Case, new: Case) -> str:
    return f"from\n{dump(old)}to\n{dump(new)}"
