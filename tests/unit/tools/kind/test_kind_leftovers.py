"""What a killed run leaves on the machine, and its removal."""

import threading
import time
from pathlib import Path

from tools.cluster.kind import cgroups, sysctls


def settings(proc: Path, **values: str) -> None:
    for name in sysctls.NAMES:
        (proc / name).parent.mkdir(parents=True, exist_ok=True)
        (proc / name).write_text(values.get(name.rpartition("/")[2], "0") + "\n")


def read(proc: Path) -> list[str]:
    return [(proc / name).read_text().strip() for name in sysctls.NAMES]


def test_settings_are_put_back_as_they_were(tmp_path: Path) -> None:
    settings(tmp_path, panic="1")
    before = read(tmp_path)
    sysctls.save(tmp_path / "saved.json", tmp_path)
    settings(tmp_path, overcommit_memory="1", panic="10", panic_on_oops="1")
    sysctls.restore(tmp_path / "saved.json", tmp_path)
    assert read(tmp_path) == before
    assert not (tmp_path / "saved.json").exists()


def test_a_run_after_a_killed_one_does_not_take_what_that_one_set_for_what_was_there(tmp_path: Path) -> None:
    settings(tmp_path, panic="1")
    before = read(tmp_path)
    sysctls.save(tmp_path / "saved.json", tmp_path)
    settings(tmp_path, panic="10")
    sysctls.save(tmp_path / "saved.json", tmp_path)
    sysctls.restore(tmp_path / "saved.json", tmp_path)
    assert read(tmp_path) == before


def test_a_setting_that_is_right_is_not_written(tmp_path: Path) -> None:
    settings(tmp_path)
    sysctls.save(tmp_path / "saved.json", tmp_path)
    written = [(tmp_path / name).stat().st_mtime_ns for name in sysctls.NAMES]
    sysctls.restore(tmp_path / "saved.json", tmp_path)
    assert [(tmp_path / name).stat().st_mtime_ns for name in sysctls.NAMES] == written


def test_nothing_saved_is_nothing_to_restore(tmp_path: Path) -> None:
    sysctls.restore(tmp_path / "saved.json", tmp_path)


def test_control_groups_go_in_every_hierarchy_and_nobody_elses(tmp_path: Path) -> None:
    for group in ("cpu", "memory"):
        (tmp_path / group / cgroups.PARENT / "container" / "kubelet" / "pod").mkdir(parents=True)
    (tmp_path / cgroups.PARENT / "container").mkdir(parents=True)
    (tmp_path / "cpu" / "docker").mkdir()
    cgroups.remove(tmp_path)
    assert sorted(str(left.relative_to(tmp_path)) for left in tmp_path.rglob("*")) == ["cpu", "cpu/docker", "memory"]


def test_control_groups_are_removed_once_their_processes_have_ended(tmp_path: Path) -> None:
    group = tmp_path / cgroups.PARENT / "container"
    group.mkdir(parents=True)
    process = group / "process"
    process.touch()
    threading.Timer(0.2, process.unlink).start()
    started = time.monotonic()
    cgroups.remove(tmp_path)
    assert not group.exists()
    assert time.monotonic() - started < 5
