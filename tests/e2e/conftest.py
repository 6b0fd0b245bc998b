"""A cluster that enforces policies, with the operator in it; what surrounds the pods of every stage.

KUBECONFIG names the cluster, else the current context does. Where its nodes are not kind's containers, tests that need
a host outside or change the operator's profile are left out, and without Cilium those of its policies; and said.
"""

import os
import secrets
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e import outside
from tests.e2e.discover import cluster_ends
from tests.e2e.ends import Ends
from tests.e2e.install import installed
from tests.e2e.matrix import Tally
from tests.e2e.outside import Host
from tests.e2e.pods import Role
from tests.e2e.stage import Stage, standing
from tests.integration.kube import Kube

MakeStage = Callable[..., Stage]

_MARKERS = {
    "outside": "needs a host outside the cluster",
    "hubble": "reads the flows that Hubble exports",
    "profile": "changes the ClusterProfile of the operator",
    "cilium": "needs Cilium's policies",
}
CILIUM = "ciliumnetworkpolicies.cilium.io"
_FREE_ON_NODES = (20000, 29000)
"""Ports that nodes use for nothing else: below those of NodePorts and of clients."""

_TALLY = pytest.StashKey[Tally]()
_MEASURED = pytest.StashKey[list[str]]()
_ON_KIND = pytest.StashKey[bool]()
_LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Markers, and that a run which is told to end leaves nothing behind."""
    for name, meaning in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.stash[_TALLY] = Tally()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    config.stash[_MEASURED] = []
    config.stash[_LEFT_OUT] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a kind cluster can show, or only Cilium, where there is none."""
    on_kind = config.stash[_ON_KIND] = outside.possible()
    missing = [*([] if on_kind else ["outside", "profile", "hubble"]), *([] if outside.serves(CILIUM) else ["cilium"])]
    kept = []
    for item in items:
        marker = next((name for name in missing if item.get_closest_marker(name)), None)
        if marker is None:
            kept.append(item)
        else:
            config.stash[_LEFT_OUT].setdefault(marker, []).append(item.nodeid)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was looked at, and what was left out."""
    tally = config.stash[_TALLY]
    if tally.matrices:
        terminalreporter.section("traffic")
        terminalreporter.line(
            f"{tally.cells} cells in {tally.matrices} matrices, all right twice in a row; {tally.calls} calls in all"
        )
    if measured := config.stash[_MEASURED]:
        terminalreporter.section("measured")
        terminalreporter.write("".join(measured))
    for marker, tests in config.stash[_LEFT_OUT].items():
        terminalreporter.line(f"left out, because each {_MARKERS[marker]}: {', '.join(tests)}")


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """How much was looked at in this run."""
    found = request.config.stash[_TALLY]
    yield found
    found.callers.close()


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> list[str]:
    """Text that is printed in the end: what was measured, for people."""
    return request.config.stash[_MEASURED]


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    """An administrator of a cluster in which the operator is Ready."""
    named = os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
    with installed(Kube(Path(named))) as found:
        yield found


@pytest.fixture(scope="session")
def hosts(kube: Kube, pytestconfig: pytest.Config) -> Iterator[Mapping[str, Host]]:
    """Hosts outside the cluster by role, none where there can be none."""
    roles = ("outside", "excepted") if pytestconfig.stash[_ON_KIND] else ()
    token = secrets.token_hex(3)
    with ExitStack() as stack:
        yield {role: stack.enter_context(outside.host(kube, role, token)) for role in roles}


@pytest.fixture(scope="session")
def surroundings(kube: Kube, hosts: Mapping[str, Host], tally: Tally) -> Iterator[Ends]:
    """What there is beside the pods of a stage: DNS, the API server, a pod in every host's network, hosts outside."""
    port = secrets.choice(range(*_FREE_ON_NODES, 2))
    node = Role(name="node", kind="DaemonSet", tcp={"one": port, "two": port + 1}, exposes={})
    with standing(Stage(kube, [node], Ends(), tally)) as stage:
        found = cluster_ends(kube) + stage.ends()
        for one in hosts.values():
            found += one.ends
        yield found


@pytest.fixture(scope="module")
def make_stage(kube: Kube, surroundings: Ends, tally: Tally) -> Iterator[MakeStage]:
    """Put roles on a stage for the tests of a module: `make_stage(roles, labels of namespaces)`."""
    with ExitStack() as stack:

        def make(roles: Iterable[Role], labels: Mapping[str, Mapping[str, str]] | None = None) -> Stage:
            return stack.enter_context(standing(Stage(kube, roles, surroundings, tally), labels))

        yield make
