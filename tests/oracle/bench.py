"""Cases compared beside each other."""

import os
import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from tests.oracle.cases import Case
from tests.oracle.compare import Compared, Engines

CASES = int(os.environ.get("SERVICEGRAPH_ORACLE_CASES", "200"))
"""How many random cases there are."""


class Bench:
    """Compares cases beside each other, each worker with engines of its own."""

    def __init__(self, engines: ExitStack, pool: ThreadPoolExecutor, totals: Counter[str]) -> None:
        self._engines, self._pool, self._totals = engines, pool, totals
        self._lock, self._own = threading.Lock(), threading.local()

    def start(self, cases: Iterable[Case]) -> dict[str, Future[Compared]]:
        """What comes of each case, by its name."""
        return {case.name: self._pool.submit(self._compare, case) for case in cases}

    def _compare(self, case: Case) -> Compared:
        if not hasattr(self._own, "engines"):
            with self._lock:
                self._own.engines = self._engines.enter_context(Engines())
        engines: Engines = self._own.engines
        compared = engines.compare(case)
        with self._lock:
            self._totals += Counter({"cases": 1, "allowed by verify/": compared.allowed, **compared.asked})
        return compared
