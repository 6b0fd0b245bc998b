"""The rows about the operator on a real API server, and the command line's start."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.operating import Compared, first_apply, label_changes, megabytes, writes_when_nothing_differs
from benchmarks.shape import LARGE, SMALL, Shape
from benchmarks.stage import staged
from benchmarks.table import Row, middle, p99

Say = Callable[[str], None]

_RUNS_OF_HELP = 10


def quick_rows(say: Say) -> Iterator[Row]:
    """A tenth of the size."""
    yield from _on_a_cluster(Shape(300), 10, say)
    yield _help(say)


def full_rows(say: Say) -> Iterator[Row]:
    """All of them."""
    yield from _on_a_cluster(SMALL, 60, say)
    with staged(LARGE, say) as stage, stage.operator() as operator:
        say("first apply of 18,500 policies")
        applied = first_apply(stage, operator)
        yield _first_apply(LARGE, applied, None)
        yield _memory(LARGE, megabytes(operator), 700)
    yield _help(say)


def _on_a_cluster(shape: Shape, changes: int, say: Say) -> Iterator[Row]:
    with staged(shape, say) as stage:
        with stage.operator() as operator:
            say(f"first apply of {shape.services:,} policies")
            yield _first_apply(shape, first_apply(stage, operator), 1.3)
            say(f"{changes} label changes")
            yield from _label_changes(label_changes(stage, changes))
            yield _memory(shape, megabytes(operator), 200)
        say("restart, pod churn, resyncs, leader change")
        writes = writes_when_nothing_differs(stage, 100)
        measured = ", ".join(f"{what}: {count}" for what, count in writes.items())
        yield Row("writes to policies and statuses when nothing differs", measured, "0", not any(writes.values()))


def _first_apply(shape: Shape, found: Compared, budget: float | None) -> Row:
    ratio = found.operator / found.bare
    measured = f"{ratio:.2f}x ({found.operator:.1f} s, bare {found.bare:.1f} s, {found.writes:,} writes)"
    what = f"first apply of {shape.services:,} policies, caches complete to last write"
    return Row(what, measured, f"{budget}x bare" if budget else "", ratio <= budget if budget else None)


def _label_changes(found: list[Compared]) -> Iterator[Row]:
    excess = [(change.operator - change.bare) * 1e3 for change in found]
    worst = p99(excess)
    measured = f"p50 {middle(excess):.0f} ms, p99 {worst:.0f} ms of {len(found)}"
    yield Row("one label change to the last policy, less the bare client", measured, "p99 150 ms", worst < 150)
    writes, expected = sum(change.writes for change in found), sum(change.expected for change in found)
    exact = all(change.writes == change.expected for change in found)
    yield Row("writes of a label change = policies that differ", f"{writes} of {expected}", "equal", exact)


def _memory(shape: Shape, measured: float, budget: int) -> Row:
    return Row(f"operator RSS, {shape.services:,} services", f"{measured:.0f} MB", f"{budget} MB", measured <= budget)


def _help(say: Say) -> Row:
    say("servicegraph --help")
    program = Path(sys.executable).with_name("servicegraph")
    times = []
    for _ in range(_RUNS_OF_HELP):
        began = time.perf_counter()
        subprocess.run([program, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return Row("servicegraph --help", f"{middle(times):.2f} s", "0.3 s", middle(times) < 0.3)
