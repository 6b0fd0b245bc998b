"""State folders of running clusters: which are alive, what they are called, and which were abandoned."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.cache import cache_root, exclusive

_RECORD = "cluster.json"


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that is ready: its name (may be empty), the process it belongs to, and how to reach it."""

    name: str
    owner: int
    server: str
    kubeconfig: str


def runs() -> Path:
    """The folder that holds a state folder for every cluster."""
    return cache_root() / "cluster" / "run"


@contextmanager
def new_state() -> Iterator[Path]:
    """A new state folder, after those are removed that nobody owns. A supervisor takes it inside the `with` block."""
    with exclusive(runs() / ".lock", "it is starting another cluster"):
        _remove_abandoned()
        yield Path(tempfile.mkdtemp(prefix="cluster-", dir=runs()))


def record(state: Path, name: str, server: str) -> None:
    """Tell other processes that the cluster of this state folder is ready."""
    entry = Record(name, os.getpid(), server, str(state / "kubeconfig"))
    unfinished = state / f"{_RECORD}.new"
    unfinished.write_text(json.dumps(asdict(entry)))
    unfinished.rename(state / _RECORD)


def ready_clusters() -> list[Record]:
    """The clusters of this cache folder that are alive and ready."""
    files = [state / _RECORD for state in sorted(runs().glob("cluster-*")) if is_alive(state)]
    return [Record(**json.loads(file.read_text())) for file in files if file.exists()]


def find(name: str) -> Record | None:
    """The ready cluster of that name."""
    return next((one for one in ready_clusters() if one.name == name), None)


def _remove_abandoned() -> None:
    """Remove state folders whose supervisor was killed or lost with the machine: nobody holds their lock."""
    for state in runs().glob("cluster-*"):
        if not is_alive(state):
            shutil.rmtree(state, ignore_errors=True)


def is_alive(state: Path) -> bool:
    """Whether a supervisor holds the folder's lock."""
    try:
        with (state / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
