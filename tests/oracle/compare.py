"""verify/ against the engines: every question about a case to one, a sample to the slower one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from random import Random
from types import TracebackType
from typing import NamedTuple, Self

from servicegraph.verify.reading import read
from servicegraph.verify.verdicts import Policies
from tests.oracle.casefile import dump
from tests.oracle.cases import Case, Question, questions
from tests.oracle.cyclonus import Cyclonus, Halves
from tests.oracle.minimize import minimal
from tests.oracle.nca import NetworkConfigAnalyzer

SAMPLE = 300
"""Questions of a case that cyclonus is asked: it takes about half a millisecond for each."""

Answers = Mapping[Question, Halves]


class Disagreement(NamedTuple):
    """A question that an engine answers otherwise than verify/ does."""

    case: Case
    question: Question
    engine: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        return (
            f"{self.engine} disagrees about case {self.case.name}: {self.question}\n"
            f"  verify/ says {self.ours}\n  {self.engine} says {self.theirs}\n{dump(self.case)}"
        )


class Compared(NamedTuple):
    """How many questions each engine answered, and one disagreement with each that has any, as small as it gets."""

    asked: Mapping[str, int]
    allowed: int
    disagreements: tuple[Disagreement, ...]


class Engines:
    """The engines, running. A context manager; not for two threads at once."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.nca = self._stack.enter_context(NetworkConfigAnalyzer())
        self.cyclonus = Cyclonus()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def compare(self, case: Case) -> Compared:
        """All that is asked about a case."""
        every = list(questions(case))
        sample = Random(case.name).sample(every, min(SAMPLE, len(every)))
        ours = decide(case, every)
        found = (self._first(self.by_nca, case, every), self._first(self.by_cyclonus, case, sample))
        return Compared(
            {self.nca.name: len(every), self.cyclonus.name: len(sample)},
            sum(all(answer) for answer in ours.values()),
            tuple(filter(None, found)),
        )

    def by_nca(self, case: Case, asked: Sequence[Question]) -> list[Disagreement]:
        """What network-config-analyzer answers otherwise; it does not tell the ends apart."""
        ours, theirs = decide(case, asked), self.nca.allowed(case, asked)
        return [
            Disagreement(case, question, self.nca.name, _word(answer), _words(ours[question]))
            for question, answer in zip(asked, theirs, strict=True)
            if answer != all(ours[question])
        ]

    def by_cyclonus(self, case: Case, asked: Sequence[Question]) -> list[Disagreement]:
        """What cyclonus answers otherwise, at either end."""
        ours, theirs = decide(case, asked), self.cyclonus.halves(case, asked)
        return [
            Disagreement(case, question, self.cyclonus.name, _words(answer), _words(ours[question]))
            for question, answer in zip(asked, theirs, strict=True)
            if answer != ours[question]
        ]

    @staticmethod
    def _first(
        by: Callable[[Case, Sequence[Question]], list[Disagreement]], case: Case, asked: Sequence[Question]
    ) -> Disagreement | None:
        found = by(case, asked)
        if not found:
            return None
        question = found[0].question

        def differs(smaller: Case) -> bool:
            try:
                return bool(by(smaller, [question]))
            except RuntimeError:
                return False

        return by(minimal(case, question, differs), [question])[0]


def decide(case: Case, asked: Sequence[Question]) -> Answers:
    """What verify/ answers."""
    policies = Policies.of(map(read, case.policies), case.namespaces)
    found = {}
    for question in asked:
        source, destination = case.ends[question.source], case.ends[question.destination]
        verdict = policies.verdict(source, destination, question.protocol, question.port)
        found[question] = Halves(verdict.egress.allowed, verdict.ingress.allowed)
    return found


def _words(halves: Halves) -> str:
    return f"{_word(all(halves))} (egress {_word(halves.egress)}, ingress {_word(halves.ingress)})"


def _word(allowed: bool) -> str:
    return "allowed" if allowed else "denied"
