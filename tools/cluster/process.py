"""Child processes that cannot outlive their parent, and the client side of the supervisor that owns a cluster's."""

import ctypes
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Run in a new child before exec: Linux sends it SIGTERM when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """A small process of its own that starts and ends a cluster's components.

    It ends them and removes the state folder as soon as this process is gone, however it went: it reads a pipe whose
    only writer is here. Safe to use from several threads.
    """

    def __init__(self, state: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")), str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._answer()

    def start(self, name: str, command: list[str], log: Path) -> int:
        """Start a component, its output appended to `log`; its process id."""
        return int(self._ask(do="start", name=name, command=command, log=str(log)))

    def stop(self, name: str, signal_number: signal.Signals, grace: float) -> None:
        """Send the signal and wait until the component is gone; after `grace` seconds it is killed."""
        self._ask(do="stop", name=name, signal=int(signal_number), grace=grace)

    def exit_code(self, name: str) -> int | None:
        """How the component ended, None while it runs."""
        code = self._ask(do="poll", name=name)
        return None if code is None else int(code)

    def close(self) -> None:
        """End everything and wait until it is gone. May be called twice."""
        with self._lock:
            if self._process.stdin and not self._process.stdin.closed:
                self._process.stdin.close()
            self._process.wait()

    def _ask(self, **request: Any) -> Any:
        with self._lock:
            assert self._process.stdin
            print(json.dumps(request), file=self._process.stdin, flush=True)
            return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        answer = self._process.stdout.readline()
        if not answer:
            raise ProcessLookupError("the supervisor of the embedded cluster is gone, and its components with it")
        reply = json.loads(answer)
        if "error" in reply:
            raise OSError(reply["error"])
        return reply["result"]
