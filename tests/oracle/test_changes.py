"""What verify/ says of a change of policies, held against engines."""

from collections.abc import Sequence
from random import Random

import pytest

from servicegraph.model.policy import Direction
from servicegraph.verify.changes import Change, compare
from servicegraph.verify.policies import read
from tests.oracle.bench import CASES
from tests.oracle.casefile import dump
from tests.oracle.cases import Case, Question, questions
from tests.oracle.compare import Engines
from tests.oracle.generator import edited, generate
from tests.oracle.witness import half

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
