"""Tells a person that a long step is alive: one updating line on a terminal, else a line every 20 seconds."""

import sys
import threading
import time
from types import TracebackType
from typing import Self

QUIET_INTERVAL = 20.0
TERMINAL_INTERVAL = 0.5


class Progress:
    """A context manager around a long step; `say` gives the latest detail, from any thread."""

    def __init__(self, title: str, expected: str) -> None:
        self._title = title
        self._expected = expected
        self._detail = ""
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._done = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def say(self, detail: str) -> None:
        """Replace the detail shown."""
        self._detail = detail

    def __enter__(self) -> Self:
        self._print(f"{self._title} ({self._expected})")
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._ticker.join()
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        outcome = "done" if error is None else "stopped"
        self._print(f"{self._title}: {outcome} after {self._elapsed()}")

    def _tick(self) -> None:
        while not self._done.wait(TERMINAL_INTERVAL if self._terminal else QUIET_INTERVAL):
            line = ", ".join(filter(None, (f"{self._title}: {self._elapsed()}", self._detail)))
            if self._terminal:
                print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            else:
                self._print(line)

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    @staticmethod
    def _print(line: str) -> None:
        print(line, file=sys.stderr, flush=True)
