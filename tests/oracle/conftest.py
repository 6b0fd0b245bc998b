"""The engines, kept running for all tests, and what they were asked."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.oracle.bench import Bench
from tests.oracle.compare import Engines

WORKERS = 2
_TOTALS = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Iterator[Bench]:
    totals = pytestconfig.stash.setdefault(_TOTALS, Counter())
    with ExitStack() as engines, ThreadPoolExecutor(WORKERS) as pool:
        yield Bench(engines, pool, totals)
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    with Engines() as found:
        yield found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much was compared."""
    if totals := config.stash.get(_TOTALS, None):
        terminalreporter.write_line("oracle: " + ", ".join(f"{what} {number:,}" for what, number in totals.items()))
