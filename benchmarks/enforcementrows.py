"""The rows about enforcement, on a cluster that is there: the one that KUBECONFIG names."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.enforcing import label_changes
from benchmarks.table import Row, middle
from tests.integration.kube import Kube

_CHANGES, _QUICK_CHANGES = 50, 10


def full_rows(say: Callable[[str], None]) -> Iterator[Row]:
    """Fifty changes, more than a second each."""
    yield from _rows(_CHANGES, say)


def quick_rows(say: Callable[[str], None]) -> Iterator[Row]:
    """Fewer of them."""
    yield from _rows(_QUICK_CHANGES, say)


def _rows(count: int, say: Callable[[str], None]) -> Iterator[Row]:
    kube = Kube(Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"))
    say(f"{count} label changes on a cluster that enforces policies")
    found = list(label_changes(kube, count))
    yield _row("label change to policies written", [change.written for change in found])
    yield _row("label change to the first packet decided right", [change.enforced for change in found])
    yield _row("  of these: declared call passes", [change.opened for change in found])
    yield _row("  of these: undeclared call is closed", [change.closed for change in found])


def _row(what: str, seconds: list[float]) -> Row:
    return Row(what, f"median {middle(seconds) * 1e3:.0f} ms, worst {max(seconds) * 1e3:.0f} ms of {len(seconds)}")
