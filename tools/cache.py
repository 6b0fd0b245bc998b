"""Where everything that is built or downloaded once is kept, outside the checkout."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.progress import Progress


def cache_root() -> Path:
    """`$SERVICEGRAPH_CACHE`, else `servicegraph` in XDG's cache folder. Not created here."""
    chosen = os.environ.get("SERVICEGRAPH_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "servicegraph"


@contextmanager
def exclusive(lock: Path, waiting_for: str) -> Iterator[None]:
    """Hold the lock file; while another process holds it, show what is waited for."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Progress("waiting for another process", waiting_for):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
