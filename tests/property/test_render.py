"""The bytes that `render` prints depend on what its input means, in whatever order that is written."""

import io
import random
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.cli.main import main
from tools.generate import EXAMPLES, GOLDENS, OUTPUT, folders

CASES = [*folders(EXAMPLES), *folders(GOLDENS)]


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same value with its mappings and lists in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, chance)) for key, item in value.items()]
        return dict(chance.sample(items, len(items)))
    if isinstance(value, list):
        return chance.sample([shuffled(item, chance) for item in value], len(value))
    return value


def documents(folder: Path) -> list[Any]:
    names = [path for path in folder.glob("*.yaml") if path.name not in (OUTPUT, "profile.yaml")]
    return [document for path in names for document in yaml.safe_load_all(path.read_text()) if document]


def rendered(folder: Path, profile: Path) -> str:
    printed = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with redirect_stdout(printed), redirect_stderr(io.StringIO()):
        main(["render", str(folder), *(["--profile", str(profile)] if profile.exists() else [])])
    printed.seek(0)
    return printed.read()


@given(case=st.sampled_from(CASES), chance=st.randoms(use_true_random=False))
def test_order_means_nothing(case: Path, chance: random.Random) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for index, document in enumerate(chance.sample(found := documents(case), len(found))):
            path = folder / f"{chance.randrange(3)}.yaml"
            with path.open("a") as file:
                file.write("---\n")
                yaml.safe_dump(shuffled(document, chance), file, sort_keys=False, default_flow_style=bool(index % 2))
        assert rendered(folder, case / "profile.yaml") == (case / OUTPUT).read_text()
