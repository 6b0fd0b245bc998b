"""What the compiler writes for every golden case and example means to other engines what it means to verify/."""

from concurrent.futures import Future

import pytest

from tests.oracle.bench import Bench
from tests.oracle.compare import Compared
from tests.oracle.compiled import compiled
from tools.generate import EXAMPLES, GOLDENS, OUTPUT, folders

FOLDERS = {f.name: f for parent in (GOLDENS, EXAMPLES) for f in folders(parent) if (f / OUTPUT).exists()}


@pytest.fixture(scope="module")
def compared(bench: Bench) -> dict[str, Future[Compared]]:
    return bench.start(map(compiled, FOLDERS.values()))


@pytest.mark.parametrize("name", FOLDERS)
def test_engines_agree(name: str, compared: dict[str, Future[Compared]]) -> None:
    disagreements = compared[name].result().disagreements
    assert not disagreements, "\n".join(map(str, disagreements))
