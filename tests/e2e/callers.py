"""The test program, waiting in each source for what to call: to start it takes longer than to call."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping
from tempfile import TemporaryFile

from tests.e2e.ends import Source
from tests.waiting import SECONDS

Result = Mapping[str, str]
"""What the program says of one call; `outcome` and the `name` that answered."""


class Callers:
    """One program for each source, started when it is first needed and again after it ended."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, ...], _Caller] = {}

    def call(self, source: Source, urls: list[str], timeout: str) -> dict[str, Result]:
        """What comes of calling these from a source, side by side, by URL. One thread at a time for each source."""
        command = (*source.command, "workload", "call", "--stdin")
        caller = self._running.get(command)
        try:
            if caller is None:
                caller = self._running[command] = _Caller(command)
            return caller.call(urls, timeout)
        except (OSError, ValueError) as error:
            self._running.pop(command, None)
            what = caller.end() if caller else str(error)
            return {url: {"outcome": f"cannot call: {what or error}", "name": ""} for url in urls}

    def close(self) -> None:
        """End them all."""
        for caller in self._running.values():
            caller.end()
        self._running.clear()


class _Caller:
    """A program that reads lines of arguments and answers each with an array of results."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._errors = TemporaryFile()  # noqa: SIM115 it lives as long as the process
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)

    def call(self, urls: list[str], timeout: str) -> dict[str, Result]:
        """Results by URL. Raises OSError or ValueError where the program has none."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(("--timeout", timeout, *urls)).encode() + b"\n")
        self._process.stdin.flush()
        return {result["target"]: result for result in json.loads(self._line())}

    def end(self) -> str:
        """What it complained of."""
        self._process.kill()
        self._process.communicate()
        self._errors.seek(0)
        with self._errors as errors:
            return errors.read().decode().strip()

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        stream, line = self._process.stdout.fileno(), b""
        deadline = time.monotonic() + SECONDS
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([stream], [], [], deadline - time.monotonic())
            part = os.read(stream, 65536) if readable else b""
            if not part:
                raise OSError("it ended" if readable else f"no answer within {SECONDS:g} s")
            line += part
        return line
