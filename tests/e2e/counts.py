"""What came of the calls under load, counted, compared and shown."""

import io
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.e2e.load import Summary


class Count(msgspec.Struct, frozen=True):
    """What came of the calls of one kind during a phase, with a graph and without."""

    phase: str
    declared: bool
    covered: bool
    calls: int
    answered: int
    failed: int
    slow: int
    slowest_ms: int
    outcomes: dict[str, int]
    failures: list[str]


def counted(phase: str, covered: bool, declared: bool, summaries: Sequence[Summary]) -> Count:
    """The sum of the calls of one kind."""
    outcomes: Counter[str] = Counter()
    for summary in summaries:
        outcomes.update(summary.outcomes)
    return Count(
        phase,
        declared,
        covered,
        sum(s.calls for s in summaries),
        sum(s.answered for s in summaries),
        sum(s.failed for s in summaries),
        sum(s.slow for s in summaries),
        max(s.slowest_ms for s in summaries),
        dict(outcomes),
        [f"{f.at:%T.%f} {s.target} {f.outcome}" for s in summaries for f in s.first_failures] if declared else [],
    )


def is_cut(covered: Count, without: Count) -> bool:
    """Whether declared calls failed by the doing of policies: a single one, where none failed without.

    On a machine that cannot keep up calls fail without policies, too. Then the two may differ by what chance makes of
    such counts, three standard deviations.
    """
    if not without.failed:
        return covered.failed > 0
    return covered.failed - without.failed > 3 * math.sqrt(covered.failed + without.failed)


def report(counts: Sequence[Count], file: Path) -> str:
    """A table for people. The file has what failed, too."""
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(counts)) + b"\n")
    table = Table("while", "calls", "graph", "made", "answered", "failed", "over 1 s", "slowest")
    for c in counts:
        kind, graph = "declared" if c.declared else "undeclared", "yes" if c.covered else "no"
        numbers = map(str, (c.calls, c.answered, c.failed, c.slow))
        table.add_row(c.phase, kind, graph, *numbers, f"{c.slowest_ms} ms")
    text = io.StringIO()
    Console(file=text, width=130).print(table)
    return text.getvalue()
