"""A Service is flipped to labels that no term covered before: the move is followed, and the gap is told.

Pods with such labels are open until the policy for them is enforced; the docs say to select both. How long that took
is a property of the test and is printed.
"""

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from tests.e2e.load import Load, go_on, loads
from tests.e2e.town import Town
from tests.integration.kube import Kube
from tests.waiting import PATIENCE, eventually

OLD, NEW = {"app": "search"}, {"app": "search-moved"}
_POLL = 0.2


@pytest.fixture
def town(kube: Kube) -> Iterator[Town]:
    """frontend calls search, by its Service alone; visitor is nobody's."""
    found = Town(kube, covered=False)
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found.namespace}})
    try:
        kube.apply(found.service("search", OLD, http=(80, "TCP")))
        apps = {"frontend": {"app": "frontend"}, "visitor": {"app": "visitor"}, "search": OLD, "search-moved": NEW}
        kube.apply(*(found.server(name, labels, 1) for name, labels in apps.items()))
        services = [{"name": "frontend", "calls": [{"service": "search"}]}, {"name": "search"}]
        meta = {"name": "town", "namespace": found.namespace}
        graph = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": meta}
        kube.apply({**graph, "spec": {"services": services}})
        for name in apps:
            found.rolled_out(name)
        eventually(found.ready, "the graph is Ready", poll=_POLL)
        yield found
    finally:
        found.down()


def test_a_flip_to_labels_that_nothing_covered_is_told_and_closed(
    kube: Kube, town: Town, record_property: Callable[[str, object], None], measured: list[str]
) -> None:
    old, new = (kube.get("Pod", town.namespace, town.pod(app)) or {} for app in ("search", "search-moved"))
    target = f"tcp://{new['status']['podIP']}:8080"
    eventually(lambda: call(town, f"tcp://{old['status']['podIP']}:8080") == "timeout", "search is closed", poll=_POLL)
    eventually(lambda: call(town, target) == "answered", "nobody covers the new pods yet", poll=_POLL)

    declared = Load(town.namespace, town.pod("frontend"), ["tcp://search:80"])
    undeclared = Load(town.namespace, town.pod("visitor"), [target], rate=100, timeout="2s")
    with loads(declared, undeclared):
        go_on(1.0)
        began = datetime.now(UTC)
        town.lead("search", NEW)
        eventually(lambda: "CoverageGap" in codes(kube, town), "the gap is a problem in the status", poll=_POLL)
        eventually(lambda: call(town, target) == "timeout", "the new pods are closed", poll=_POLL)
        (made,), (tried,) = declared.stop(), undeclared.stop()

    assert made.failed == 0, made
    assert tried.first_answer and tried.first_answer < began and tried.last_answer and tried.failed, tried
    gap = (tried.last_answer - began).total_seconds()
    record_property("seconds from the flip until the new pods were closed", gap)
    measured.append(
        f"flip to labels that nothing covered: open for {gap:.2f} s, {made.calls} declared calls answered\n"
    )
    eventually(lambda: "CoverageGap" in [event["reason"] for event in kube.list("Event", town.namespace)], "an Event")


def codes(kube: Kube, town: Town) -> set[str]:
    graph = kube.get("ServiceGraph", town.namespace, "town") or {}
    return {problem["code"] for problem in graph["status"].get("problems", ())}


def call(town: Town, target: str) -> str:
    """What comes of a call by the visitor."""
    command = ["kubectl", "exec", "--namespace", town.namespace, town.pod("visitor"), "--", "workload", "call", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    outcomes = ("answered", "timeout", "refused", "unreachable")
    return next((outcome for outcome in outcomes if f'"{outcome}"' in done.stdout), done.stderr)
