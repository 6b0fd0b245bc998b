"""`python -m benchmarks [--quick] [--output FILE]`: measure against the budgets and print the table."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from benchmarks import compilerows, enforcementrows, operatorrows
from benchmarks.table import Row, machine, show

PARTS = {"compiler": compilerows, "operator": operatorrows, "enforcement": enforcementrows}
ON_THEIR_OWN = ("compiler", "operator")
"""The parts that bring what they need. The other measures on a cluster with the operator and a network plugin in it."""

_NOTES = {"enforcement": "Without a budget: how fast policies are enforced is the network plugin's affair."}


def main() -> int:
    """Print the table; 0 whatever it says: times depend on the machine, people decide."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small sizes only, in about a minute")
    parser.add_argument("--only", choices=PARTS, help="a part of the table; enforcement needs a cluster")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the rows as JSON too")
    chosen = parser.parse_args()
    host = machine()
    print(host, flush=True)
    rows = list(_rows(chosen.quick, chosen.only))
    show(rows, _NOTES.get(chosen.only, ""))
    if chosen.output:
        document = {"machine": host, "quick": chosen.quick, "rows": rows}
        chosen.output.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    return 0


def _rows(quick: bool, only: str | None) -> Iterable[Row]:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    for name in (only,) if only else ON_THEIR_OWN:
        for row in PARTS[name].quick_rows(say) if quick else PARTS[name].full_rows(say):
            say(f"{row.what}: {row.measured}")
            yield row


if __name__ == "__main__":
    sys.exit(main())
