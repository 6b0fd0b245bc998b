"""Labels, ports, Services, graphs, operators and agents change while every call is made 20 times a second.

The same application without policies goes through the same changes beside it: what fails there too is not the doing
of a policy. The table of counts is printed, and written to build/load.json.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.contract import ROOT
from tests.e2e import changes, outside
from tests.e2e.counts import Count, counted, is_cut, report
from tests.e2e.load import Followed, go_on, loads
from tests.e2e.town import Town
from tests.integration.kube import Kube

REPORT = ROOT / "build" / "load.json"
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 4.0
"""How long calls go on before a change, and after it has settled."""

WORKERS = ("worker", "worker-next")


class Phase(msgspec.Struct, frozen=True):
    """One change: to each town, to the cluster, or to both at once. `prepare` is done before the calls begin."""

    name: str
    of_town: Callable[[Town], None] | None = None
    of_cluster: Callable[[Kube], None] | None = None
    prepare: Callable[[Town], None] | None = None


PHASES = (
    Phase("roll Deployments to new labels", changes.roll_to_new_labels),
    Phase("flip blue/green three times", changes.flip_colour),
    Phase("rename a Service", changes.rename_service, prepare=changes.prepare_rename),
    Phase("scale up and down", changes.scale),
    Phase("move a callee's port", changes.move_port),
    Phase("edit the graph", changes.edit_graph),
    Phase("restart the operator", of_cluster=changes.restart_operator),
    Phase("kill the leader", of_cluster=changes.kill_leader),
    Phase("kill a node's agent", of_cluster=changes.kill_agent),
)


@pytest.fixture(scope="module")
def towns(kube: Kube) -> Iterator[tuple[Town, Town]]:
    """One with a graph, one without."""
    found = Town(kube, covered=True), Town(kube, covered=False)
    try:
        _each(found, Town.up)
        yield found
    finally:
        _each(found, Town.down)


def test_not_one_declared_call_is_cut_and_not_one_other_passes(
    kube: Kube, towns: tuple[Town, Town], measured: list[str]
) -> None:
    counts: list[Count] = []
    followed = [Followed(kube, town.namespace, WORKERS, ("calls", "tries")) for town in towns]
    try:
        for phase in PHASES:
            if phase.of_cluster is changes.kill_agent and not outside.possible():
                measured.append(f"left out on a cluster that is not ours: {phase.name}\n")
            else:
                counts += _play(phase, kube, towns)
        for town, follower in zip(towns, followed, strict=True):
            for name in WORKERS:
                town.gone(name)
            printed = follower.stop()
            for container, declared in (("calls", True), ("tries", False)):
                counts.append(counted("all of these, from pods that roll", town.covered, declared, printed[container]))
    finally:
        for follower in followed:
            follower.abandon()
        measured.append(report(counts, REPORT))
    of = {(c.phase, c.declared, c.covered): c for c in counts}
    cut = [c for c in counts if c.covered and c.declared and is_cut(c, of[c.phase, True, False])]
    passed = [c for c in counts if c.covered and not c.declared and c.answered]
    shown = [c for c in counts if not c.covered and not c.answered]
    assert not cut, f"declared calls failed that did not fail without policies: {cut}"
    assert not passed, f"undeclared calls passed: {passed}"
    assert not shown, f"without policies every call can be answered, or nothing is shown: {shown}"


def _play(phase: Phase, kube: Kube, towns: tuple[Town, Town]) -> list[Count]:
    if phase.prepare:
        _each(towns, phase.prepare)
    declared = {town: town.declared() for town in towns}
    undeclared = {town: town.undeclared() for town in towns}
    with loads(*declared.values(), *(load for running in undeclared.values() for load in running)):
        go_on(BEFORE_SECONDS)
        if phase.of_cluster:
            phase.of_cluster(kube)
        if phase.of_town:
            _each(towns, phase.of_town)
        go_on(AFTER_SECONDS)
        return [
            counted(phase.name, town.covered, is_declared, [summary for load in running for summary in load.stop()])
            for town in towns
            for is_declared, running in ((True, [declared[town]]), (False, undeclared[town]))
        ]


def _each(towns: tuple[Town, Town], act: Callable[[Town], None]) -> None:
    with ThreadPoolExecutor(len(towns)) as pool:
        list(pool.map(act, towns))
