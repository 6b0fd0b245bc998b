"""Runs as a process of its own (see process.Supervisor): owns a cluster's components and its state folder.

Says that it holds the folder's lock, then answers each line of stdin, a JSON request, with one line; at the end of
stdin it kills what it started and removes the folder. Should it be killed itself, the kernel ends the components.
Standard library only, and nothing of ours, so that it starts in milliseconds.
"""

import ctypes
import fcntl
import json
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1

Children = dict[str, "subprocess.Popen[bytes]"]


def _killed_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start(children: Children, state: Path, request: dict[str, Any]) -> int:
    with Path(request["log"]).open("ab") as log:
        child = subprocess.Popen(
            request["command"],
            cwd=state,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_killed_with_parent,
        )
    children[request["name"]] = child
    (state / f"{request['name']}.pid").write_text(f"{child.pid}\n")
    return child.pid


def _stop(child: "subprocess.Popen[bytes]", number: int, grace: float) -> int:
    child.send_signal(number)
    try:
        return child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _serve(children: Children, state: Path) -> None:
    print(json.dumps({"result": None}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        result: int | None = None
        try:
            match request["do"]:
                case "start":
                    result = _start(children, state, request)
                case "stop":
                    result = _stop(children[request["name"]], request["signal"], request["grace"])
                case "poll":
                    result = children[request["name"]].poll()
            reply: dict[str, Any] = {"result": result}
        except OSError as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), flush=True)


def main() -> None:
    """Serve until stdin ends, then leave nothing behind."""
    state = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    children: Children = {}
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with suppress(BrokenPipeError):
                _serve(children, state)
        finally:
            for child in reversed(children.values()):
                _stop(child, signal.SIGKILL, 10.0)
            shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
