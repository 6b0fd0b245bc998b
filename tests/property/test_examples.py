"""The few examples that are tried every time are the same, whatever else a run imports."""

import importlib.util
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st


def tried() -> list[int]:
    found: list[int] = []

    @settings(settings.get_profile("every time"), max_examples=1_000)
    @given(st.integers(0, 2**40))
    def note(number: int) -> None:
        found.append(number)

    note()
    return found


def test_a_module_that_is_imported_changes_no_example(tmp_path: Path) -> None:
    before = tried()
    name = "imported_between_two_runs"
    path = tmp_path / f"{name}.py"
    path.write_text(f"NUMBERS = {[1_000_003 + 7 * n for n in range(99)]}\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        assert tried() == before
    finally:
        del sys.modules[name]
