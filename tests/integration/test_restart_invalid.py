"""A graph is invalid, and the operator starts: what was written before holds, its neighbours' policies too."""

from pathlib import Path

from tests.integration.kube import Audit, Kube, Object
from tests.integration.look import condition, peers, policies, settled, versions
from tests.integration.operators import Operator, leading, operating
from tests.integration.world import app, calls, graph
from tests.waiting import eventually

WRONG: Object = {"cidr": "10.20.1.0/16", "ports": [443]}
"""What the API server takes, and the parser does not: an address with host bits."""


def see_all(operator: Operator) -> None:
    """Return when everything has been compared some times."""
    eventually(lambda: operator.metric("servicegraph_reconcile_seconds_count") >= 5, "resyncs")


def invalid(kube: Kube, namespace: str) -> bool:
    return condition(kube, namespace, "front", "Stalled", "reason") == "Invalid"


def test_a_start_beside_an_invalid_graph_writes_nothing(
    kube: Kube, account: Path, tmp_path: Path, namespace: str, audit: Audit
) -> None:
    kube.apply(*app(namespace, "frontend", "search", "kiosk"))
    kube.apply(graph(namespace, "front", {"frontend": calls("search"), "kiosk": {}}))
    kube.apply(graph(namespace, "back", {"search": {}}))
    with operating(account, tmp_path, "before") as first:
        leading(first)
        eventually(lambda: settled(kube, namespace, "front") and settled(kube, namespace, "back"), "both are Ready")
        broken = {"frontend": {"calls": [{"service": "search"}, WRONG]}, "kiosk": {}}
        kube.apply(graph(namespace, "front", broken))
        eventually(lambda: invalid(kube, namespace), "it says so")
        assert first.stop() == 0
    before = versions(kube, namespace)
    assert len(before) == 3
    audit.reset()
    with operating(account, tmp_path, "after", resync_seconds="0.5") as second:
        see_all(leading(second))
        assert audit.writes_in(namespace) == []
        assert versions(kube, namespace) == before
        assert peers(policies(kube, namespace)["search"], "ingress") == [({"app": "frontend"}, [8080])]
        assert invalid(kube, namespace)
        kube.apply(graph(namespace, "front", {"frontend": {}}))
        eventually(lambda: policies(kube, namespace).keys() == {"frontend", "search"}, "a valid one is followed again")
        eventually(lambda: peers(policies(kube, namespace)["search"], "ingress") == [])
