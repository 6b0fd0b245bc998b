"""The rows about compiling, each measured in fresh processes."""

from collections.abc import Callable, Iterator

from benchmarks.compiling import Cost, cost_of, hub_changes, label_changes
from benchmarks.fresh import fresh
from benchmarks.shape import HALF, HUB, LARGE, SMALL, Shape
from benchmarks.table import Row, middle, p99

Say = Callable[[str], None]


def quick_rows(say: Say) -> Iterator[Row]:
    """What can be told in half a minute."""
    yield from _small(_costs(SMALL, 3, say))
    yield from _changes(SMALL, 100, say)


def full_rows(say: Say) -> Iterator[Row]:
    """All of them."""
    small, half, large = _costs(SMALL, 5, say), _costs(HALF, 3, say), _costs(LARGE, 3, say)
    yield from _small(small)
    yield _growth("1,500 → 18,500 services", small, large, 2.0)
    yield _growth("100,000 → 200,000 edges", half, large, 1.3)
    seconds = middle(cost.compile for cost in large)
    yield Row(f"compile, 18,500 services / {large[0].edges:,} edges", f"{seconds:.1f} s CPU", "30 s", seconds < 30)
    yield Row("prove the same", f"{middle(cost.prove for cost in large):.1f} s CPU")
    yield Row("parse and decode the same", f"{middle(cost.parse for cost in large):.1f} s CPU")
    yield Row("memory of compiling the same", f"{middle(cost.megabytes for cost in large):.0f} MB at most")
    teams = _costs(Shape(SMALL.services, namespaces=True), 3, say)
    yield Row("compile 1,500 services, a namespace each team", f"{middle(cost.compile for cost in teams):.2f} s CPU")
    yield from _changes(LARGE, 200, say)
    yield from _hub(say)


def _costs(shape: Shape, runs: int, say: Say) -> list[Cost]:
    found = []
    for run in range(runs):
        say(f"compiling {shape.services:,} services, {run + 1} of {runs}")
        found.append(fresh(cost_of, shape))
    return found


def _small(costs: list[Cost]) -> Iterator[Row]:
    proving, seconds = middle(cost.prove for cost in costs), middle(cost.compile + cost.prove for cost in costs)
    what = f"1,500 services / {costs[0].edges:,} edges"
    yield Row(f"compile and prove, {what}", f"{seconds:.2f} s CPU", "1 s", seconds < 1)
    yield Row(f"prove, {what}", f"{proving:.2f} s CPU", "0.5 s", proving < 0.5)
    yield Row("parse and decode the same", f"{middle(cost.parse for cost in costs):.2f} s CPU")


def _growth(what: str, few: list[Cost], many: list[Cost], budget: float) -> Row:
    before, after = (middle(cost.microseconds_per_edge for cost in costs) for costs in (few, many))
    measured = f"{after / before:.2f}x ({before:.0f} to {after:.0f} µs)"
    return Row(f"CPU per edge, {what}", measured, f"{budget:g}x", after <= before * budget)


def _changes(shape: Shape, count: int, say: Say) -> Iterator[Row]:
    say(f"changing labels in {shape.services:,} services")
    changes = fresh(label_changes, shape, count)
    times = [change.milliseconds for change in changes]
    most = max(change.policies for change in changes)
    measured = f"p50 {middle(times):.1f} ms CPU, p99 {p99(times):.0f} ms, up to {most} policies"
    yield Row(f"compile one label change of {shape.services:,} services", measured)


def _hub(say: Say) -> Iterator[Row]:
    say("changing labels of callers of a hub")
    parts, changes = fresh(hub_changes, HUB, 20)
    rebuilt = middle(count for _, count in changes)
    slow = middle(change.milliseconds for change, _ in changes)
    measured = f"{rebuilt:g} of {parts} parts, {slow:.0f} ms CPU"
    yield Row(f"a hub of {HUB.hub_callers:,} callers, one of them moves", measured, "1 part", rebuilt == 1)
