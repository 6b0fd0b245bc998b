"""Kernel settings of the whole machine that starting a node changes: saved before, put back after."""

import json
from pathlib import Path

NAMES = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
PROC = Path("/proc/sys")


def save(file: Path, proc: Path = PROC) -> None:
    """Write the settings to the file, unless it still holds those from before a run that never ended."""
    if not file.exists():
        unfinished = file.with_suffix(".new")
        unfinished.write_text(json.dumps({name: (proc / name).read_text().strip() for name in NAMES}))
        unfinished.rename(file)


def restore(file: Path, proc: Path = PROC) -> None:
    """Put back what the file holds, and remove it; nothing where there is none."""
    if not file.exists():
        return
    for name, value in json.loads(file.read_text()).items():
        if (proc / name).read_text().strip() != value:
            (proc / name).write_text(value)
    file.unlink()
