"""What `render` prints, byte by byte. After a change that is meant: `python -m tools.generate`, and read the diff."""

from pathlib import Path

import pytest

from tools.generate import EXAMPLES, GOLDENS, OUTPUT, PROBLEMS, folders, render


@pytest.mark.parametrize("folder", folders(GOLDENS), ids=lambda folder: folder.name)
def test_golden(folder: Path) -> None:
    printed, said = render(folder)
    assert said == (folder / PROBLEMS).read_text()
    assert printed == (folder / OUTPUT).read_text()


@pytest.mark.parametrize("folder", folders(EXAMPLES), ids=lambda folder: folder.name)
def test_example(folder: Path) -> None:
    printed, said = render(folder)
    assert said.endswith("exit 0\n") and "warning: " not in said, "fit for --strict"
    assert printed == (folder / OUTPUT).read_text()
