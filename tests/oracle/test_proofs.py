"""Proofs held against engines: policies that the compiler did not write are exact only if they mean the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from servicegraph.answers.proof import hold
from servicegraph.cli import reading
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.compilation import Compilation
from servicegraph.verify.ends import Address
from servicegraph.verify.proof import Difference, Kind, Proof
from servicegraph.verify.reading import read
from tests.oracle import witness
from tests.oracle.cases import Case, Manifest, questions
from tests.oracle.compare import Engines
from tests.oracle.compiled import compiled
from tests.oracle.generator import edited
from tests.oracle.test_compiled import FOLDERS
from tests.oracle.witness import half, shown

EDITS = range(4)


@dataclass(frozen=True)
class Subject:
    """A folder's graphs, compiled, and the case of what was rendered from them."""

    reading: reading.Reading
    compilation: Compilation
    case: Case

    @classmethod
    @cache
    def of(cls, folder: Path) -> "Subject":
        """The graphs of a folder."""
        profile = folder / "profile.yaml"
        where = reading.Where(profile=str(profile) if profile.exists() else None)
        found = reading.read(where, [str(folder)])
        return cls(found, compile_all(found.graphs, found.cluster, found.profile), compiled(folder))

    def prove(self, policies: Sequence[Manifest]) -> Proof:
        """Hold policies against the graphs."""
        found = self.reading
        return hold(self.compilation.declared, map(read, policies), found.cluster, found.graphs, found.pods)

    def is_declared(self, name: str) -> bool:
        """Whether an end is an address, or a pod of some service."""
        end = self.case.ends[name]
        return isinstance(end, Address) or any(
            said.service and said.namespace == end.namespace and said.subject.matches(end.labels)
            for said in self.compilation.declared
        )


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", FOLDERS)
def test_no_difference_is_missed(name: str, edit: int, engines: Engines) -> None:
    """What changes the connections of pods that are declared changes the proof."""
    subject = Subject.of(FOLDERS[name])
    new = edited(subject.case, edit, ("remove", "lessen"))
    ends = set(filter(subject.is_declared, subject.case.ends))
    asked = [question for question in questions(subject.case) if ends.issuperset(question[:2])]
    if engines.nca.allowed(subject.case, asked) != engines.nca.allowed(new, asked):
        assert subject.prove(new.policies) != subject.prove(subject.case.policies)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", FOLDERS)
def test_no_difference_is_made_up(name: str, edit: int, engines: Engines) -> None:
    """What the proof says newly, cyclonus says of pods and addresses that it is said of."""
    subject = Subject.of(FOLDERS[name])
    new = edited(subject.case, edit, ("remove", "lessen"))
    for difference in _differences(subject.prove(new.policies)) - _differences(subject.prove(subject.case.policies)):
        more = difference.kind is not Kind.MISSING
        case, question = shown(_flows(difference), subject.case, new)
        before, after = engines.cyclonus.around(case, new.policies, question)
        assert (half(before, difference.direction), half(after, difference.direction)) == (not more, more)


def _differences(proof: Proof) -> set[Difference]:
    return {*proof.missing, *proof.extra}


def _flows(said: Difference) -> witness.Flows:
    return witness.Flows(said.subject.namespace, said.subject.pods, said.direction, said.peer, said.ports)
