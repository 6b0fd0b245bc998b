"""The traffic matrix: every source calls every target, and all of it must be as the scenario says."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from tests.e2e.callers import Callers, Result
from tests.e2e.ends import Ends, Source, Target, decided_by_policies
from tests.e2e.flows import Allowed
from tests.waiting import PATIENCE

_PAUSE = 0.1
_QUICK, _PATIENT = "1s", "5s"
_TRIES_IN_HASTE = 5
"""After so many tries a machine may be busy, and what should be answered is given more time."""

_SHOWN = 40
_CLOSED = ("timeout", "lookup-timeout")

Seen = Mapping[tuple[str, str], str]
"""What came of each call, by source and target: `answered`, or why not."""


@dataclass
class Tally:
    """How much was looked at in a run, and those who look."""

    matrices: int = 0
    cells: int = 0
    calls: int = 0
    callers: Callers = field(default_factory=Callers, compare=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """One call and what must come of it."""

    source: Source
    target: Target
    open: bool

    def wrong(self, seen: Seen) -> str | None:
        """What came of it instead; None where that is right. A call that is refused was not denied: it arrived."""
        outcome = seen.get((self.source.name, self.target.url), "not tried")
        right = outcome == "answered" if self.open else outcome in _CLOSED
        return None if right else outcome


class Matrix:
    """Every call between these ends that policies decide. Through a Service whose pods differ it takes all or none."""

    def __init__(self, ends: Ends, allowed: Allowed) -> None:
        self.cells: list[Cell] = []
        for source in ends.sources:
            for target in ends.targets:
                verdicts = {allowed.allows(source.role, role, target.protocol, port) for role, port in target.arrivals}
                if len(verdicts) == 1 and decided_by_policies(source, target):
                    self.cells.append(Cell(source, target, verdicts.pop()))
        self.cells.sort(key=lambda cell: cell.source.name)

    def settle(self, tally: Tally, explain: Callable[[], str] = str, within: float = PATIENCE) -> None:
        """Call until everything is right twice in a row. Fails with the cells that are wrong, and `explain`."""
        assert self.cells, "nothing to call: there are no ends"
        deadline = time.monotonic() + within
        tries = right = 0
        wrong: list[tuple[Cell, str]] = []
        while right < 2:
            time.sleep(_PAUSE)
            tries += 1
            wrong = self._wrong(tally, _QUICK if tries < _TRIES_IN_HASTE else _PATIENT)
            right = 0 if wrong else right + 1
            if wrong and time.monotonic() > deadline:
                raise AssertionError(f"after {within:g} s and {tries} tries {self._table(wrong)}\n{explain()}")
        tally.matrices += 1
        tally.cells += len(self.cells)

    def is_right(self, tally: Tally) -> bool:
        """Whether everything is right at this moment."""
        return not self._wrong(tally, _PATIENT)

    def _wrong(self, tally: Tally, patience: str) -> list[tuple[Cell, str]]:
        """The cells that are wrong now. What should be answered is asked again: packets get lost in a crowd."""
        seen = _call(self.cells, tally, _QUICK)
        if late := [cell for cell in self.cells if cell.open and cell.wrong(seen)]:
            seen |= _call(late, tally, patience)
        return [(cell, outcome) for cell in self.cells if (outcome := cell.wrong(seen)) is not None]

    def _table(self, wrong: list[tuple[Cell, str]]) -> str:
        rows = [("SOURCE", "TARGET", "EXPECTED", "SEEN")]
        for cell, outcome in wrong[:_SHOWN]:
            what = f"{cell.target.name}  {cell.target.url}"
            rows.append((cell.source.name, what, "open" if cell.open else "closed", outcome))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        more = [f"… and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        return "\n".join([f"{len(wrong)} of {len(self.cells)} cells are wrong:", *lines, *more])


def _call(cells: list[Cell], tally: Tally, timeout: str) -> dict[tuple[str, str], str]:
    """What comes of these calls, all sources and all calls of a source side by side."""
    rows = [(source, [c.target for c in of]) for source, of in groupby(cells, lambda cell: cell.source)]
    tally.calls += len(cells)
    with ThreadPoolExecutor(len(rows)) as pool:
        urls = [list(dict.fromkeys(target.url for target in targets)) for _, targets in rows]
        found = pool.map(lambda row, urls: tally.callers.call(row[0], urls, timeout), rows, urls)
        return {
            (source.name, target.url): _outcome(results[target.url], target)
            for (source, targets), results in zip(rows, found, strict=True)
            for target in targets
        }


def _outcome(result: Result, target: Target) -> str:
    if result["outcome"] == "answered" and target.answers and result["name"] not in target.answers:
        return f"answered by {result['name']}"
    return result["outcome"]
