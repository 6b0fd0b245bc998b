"""Random clusters and policies, and what independent engines make of them.

SERVICEGRAPH_ORACLE_CASES says how many (200). A disagreement is printed as small as it gets; `-k seed-0137` asks
about the whole case again.
"""

from concurrent.futures import Future

import pytest

from tests.oracle.bench import CASES, Bench
from tests.oracle.compare import Compared
from tests.oracle.generator import generate


@pytest.fixture(scope="module")
def compared(request: pytest.FixtureRequest, bench: Bench) -> dict[str, Future[Compared]]:
    own = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path]
    seeds = [item.callspec.params["seed"] for item in own]
    return bench.start(generate(seed) for seed in seeds if isinstance(seed, int))


@pytest.mark.parametrize("seed", range(CASES), ids="seed-{:04}".format)
def test_engines_agree(seed: int, compared: dict[str, Future[Compared]]) -> None:
    disagreements = compared[str(seed)].result().disagreements
    assert not disagreements, "\n".join(map(str, disagreements))
