"""Where a run keeps its state, who owns it, and what is removed after it."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.cache import cache_root
from tools.cluster.kind import cgroups, sysctls
from tools.cluster.state import is_alive

# One for the machine where it is root's, because sysctls are the machine's.
_RUN = Path("/run/servicegraph-kind") if os.geteuid() == 0 else cache_root() / "kind" / "run"
LOCK = _RUN / "lock"
SYSCTLS = _RUN / "sysctls.json"
ENGINE = _RUN / "engine"
_RECORD = ENGINE / "cluster.json"
_OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that is ready: its engine's process and socket (None: the daemon that the environment names)."""

    engine: int | None
    socket: str | None


def claim() -> None:
    """Say that this process owns the engine from now on."""
    ENGINE.mkdir(parents=True, mode=0o700)
    (ENGINE / _OWNER).write_text(str(os.getpid()))


def owner() -> int | None:
    """The process that owns the engine, None when none runs."""
    file = ENGINE / _OWNER
    return int(file.read_text()) if is_alive(ENGINE) and file.exists() else None


def record(engine: int | None, socket: Path | None) -> None:
    """Tell other processes that the cluster of this one is ready."""
    unfinished = _RECORD.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(Record(engine, str(socket) if socket else None))))
    unfinished.rename(_RECORD)


def ready() -> Record | None:
    """The cluster that runs and is ready."""
    return Record(**json.loads(_RECORD.read_text())) if is_alive(ENGINE) and _RECORD.exists() else None


def remove_leftovers() -> None:
    """Remove what a run leaves that was killed. Call it only while none runs."""
    cgroups.remove()
    sysctls.restore(SYSCTLS)
    shutil.rmtree(ENGINE, ignore_errors=True)
