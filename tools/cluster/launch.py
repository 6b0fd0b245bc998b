"""Waits for a component that a supervisor has started, and shows the end of its log when it does not come up."""

import time
from collections.abc import Callable
from pathlib import Path

from tools.cluster.process import Supervisor

START_SECONDS = 90.0
_PORT_TAKEN = "address already in use"
_ATTEMPTS = 5


class ClusterError(Exception):
    """A component did not start or does not answer; the message holds the end of its log."""


class PortTakenError(ClusterError):
    """Another program took the port first."""


def wait_until(ready: Callable[[], bool], supervisor: Supervisor, name: str, log: Path) -> None:
    """Return as soon as the component is ready; `ready` may raise OSError. Raises ClusterError."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        code = supervisor.exit_code(name)
        if code is not None:
            last = _tail(log)
            kind = PortTakenError if _PORT_TAKEN in last else ClusterError
            raise kind(f"{name} ended with exit status {code}. The end of its log:\n{last}")
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise ClusterError(f"{name} was not ready after {START_SECONDS:.0f} s. The end of its log:\n{_tail(log)}")


def retry_ports(launch: Callable[[], None]) -> None:
    """Launch, again with other ports where another program was quicker. Raises ClusterError."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return launch()
        except PortTakenError:
            continue
    return launch()


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
