"""Where commands are run: at the root of the checkout, so that the paths they print are the same everywhere."""

import pytest

from tests.unit.cli.asking import ROOT


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is in the root of the checkout."""
    monkeypatch.chdir(ROOT)
