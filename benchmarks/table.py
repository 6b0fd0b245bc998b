"""The table of budgets: what was measured, what it may be, and whether it is."""

import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median, quantiles

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table


class Row(msgspec.Struct, frozen=True):
    """One line. `met` is None for what has no budget and is good to know."""

    what: str
    measured: str
    budget: str = ""
    met: bool | None = None


def middle(values: Iterable[float]) -> float:
    """The median."""
    return median(values)


def p99(values: Sequence[float]) -> float:
    """The 99th percentile, by the values that were seen: of fewer than a hundred the largest."""
    return quantiles(values, n=100, method="inclusive")[98] if len(values) >= 100 else max(values)


def machine() -> str:
    """What it was measured on."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    system = f"{model}, {cores} cores, {platform.system()}, Python {platform.python_version()}"
    return f"{system}, load before: {load}, a million additions: {_reference() * 1e3:.0f} ms"


def _reference() -> float:
    """CPU seconds of a loop that never changes: what another machine, or a busy one, makes of it."""
    times = []
    for _ in range(5):
        began = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number
        times.append(time.process_time() - began)
    return median(times)


def show(rows: Iterable[Row], note: str) -> None:
    """Print it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=None)
    for heading in ("what", "measured", "budget", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row.what, row.measured, row.budget, {True: "met", False: "NOT MET", None: ""}[row.met])
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    if note:
        console.print(note, style="dim", highlight=False)


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
