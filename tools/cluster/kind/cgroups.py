"""The control groups of the engine's containers: docker leaves them when it is killed."""

import time
from contextlib import suppress
from pathlib import Path

PARENT = "servicegraph-kind"
_ROOT = Path("/sys/fs/cgroup")
_SECONDS = 10.0


def remove(root: Path = _ROOT) -> None:
    """Remove every group below the parent, in each hierarchy; their processes may still be ending."""
    deadline = time.monotonic() + _SECONDS
    while (left := _groups(root)) and time.monotonic() < deadline:
        for group in left:
            with suppress(OSError):
                group.rmdir()
        time.sleep(0.05)


def _groups(root: Path) -> list[Path]:
    parents = [group for group in (root / PARENT, *root.glob(f"*/{PARENT}")) if group.is_dir()]
    below = [group for parent in parents for group in parent.rglob("*") if group.is_dir()]
    return sorted({*parents, *below}, key=lambda group: len(group.parts), reverse=True)
