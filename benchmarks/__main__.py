"""`python -m benchmarks [--quick] [--output FILE]`: measure against the budgets and print the table."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from benchmarks import compilerows, operatorrows
from benchmarks.table import Row, machine, show

_WITHOUT_VERIFY = "The budget of 1 s is for compiling and verifying together; verifying does not exist yet."


def main() -> int:
    """Print the table; 0 whatever it says: times depend on the machine, people decide."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small sizes only, in about a minute")
    parser.add_argument("--only", choices=("compiler", "operator"), help="half of the table")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the rows as JSON too")
    chosen = parser.parse_args()
    host = machine()
    print(host, flush=True)
    rows = list(_rows(chosen.quick, chosen.only))
    show(rows, _WITHOUT_VERIFY)
    if chosen.output:
        document = {"machine": host, "quick": chosen.quick, "rows": rows}
        chosen.output.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    return 0


def _rows(quick: bool, only: str | None) -> Iterable[Row]:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    parts: list[Callable[[Callable[[str], None]], Iterable[Row]]] = []
    if only != "operator":
        parts.append(compilerows.quick_rows if quick else compilerows.full_rows)
    if only != "compiler":
        parts.append(operatorrows.quick_rows if quick else operatorrows.full_rows)
    for part in parts:
        for row in part(say):
            say(f"{row.what}: {row.measured}")
            yield row


if __name__ == "__main__":
    sys.exit(main())
