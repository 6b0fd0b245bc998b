"""What people and machines see of a running operator: Events, metrics, and a condition to wait for."""

import re
import subprocess
from collections import Counter

from tests.contract import ROOT
from tests.integration.kube import Kube, Object
from tests.integration.look import condition, settled
from tests.integration.operators import Operator, down
from tests.integration.support import everything_seen
from tests.integration.world import SHOP, app, calls, graph, service
from tests.waiting import PATIENCE, SECONDS, eventually
from tools.cluster.toolchain import find_kubectl

NOWHERE: Object = {**SHOP, "database": calls("nowhere")}
INVALID: Object = {"search": {"calls": [{"cidr": "10.20.1.0/16", "ports": [443]}]}}
"""What the API server takes, and the parser does not."""


def told(kube: Kube, namespace: str) -> Counter[tuple[str, str]]:
    """Type and reason of each Event about the shop."""
    found = [event for event in kube.list("Event", namespace) if event["regarding"]["name"] == "shop"]
    assert {event["reportingController"] for event in found} <= {"servicegraph.dev/operator"}
    return Counter((event["type"], event["reason"]) for event in found)


def test_events_tell_transitions_once(kube: Kube, operator: Operator, namespace: str) -> None:
    shop = namespace
    kube.apply(*app(shop, *SHOP, "extra"))
    everything_seen(kube)
    kube.apply(graph(shop, "shop", SHOP))
    expected = Counter({("Normal", "Applied"): 1, ("Warning", "NotEnforced"): 1})
    eventually(lambda: told(kube, shop) == expected, "it became Ready")
    kube.apply(service(shop, "search", http=9000))
    eventually(lambda: settled(kube, shop))
    kube.apply(graph(shop, "shop", {**SHOP, "search": {}}))
    eventually(lambda: settled(kube, shop), "it changes and stays Ready")
    kube.apply(graph(shop, "shop", NOWHERE))
    eventually(lambda: ("Warning", "CalleeNotFound") in told(kube, shop), "a problem that was not there")
    kube.apply(graph(shop, "shop", {**NOWHERE, "frontend": {}}))
    eventually(lambda: condition(kube, shop, "shop", "Ready") == "True", "the problem is the same as before")
    kube.apply(graph(shop, "shop", INVALID))
    eventually(lambda: ("Warning", "Invalid") in told(kube, shop), "it is not Ready any more")
    kube.apply(graph(shop, "shop", {**SHOP, "extra": {}}))
    eventually(lambda: told(kube, shop)["Normal", "Applied"] == 2, "it is Ready again")
    expected |= Counter({("Normal", "Applied"): 2, ("Warning", "CalleeNotFound"): 1, ("Warning", "Invalid"): 1})
    with down(operator):
        pass
    kube.apply(graph(shop, "shop", {**SHOP, "extra": calls("search")}))
    eventually(lambda: settled(kube, shop), "another process goes on where the former ended")
    kube.apply(graph(shop, "shop", INVALID))
    expected["Warning", "Invalid"] += 1
    eventually(lambda: told(kube, shop) == expected, "nothing else was told on the way")


def documented() -> set[str]:
    page = (ROOT / "docs" / "operations.md").read_text()
    return set(re.findall(r"servicegraph_[a-z_]+", page))


def test_every_metric_is_documented_and_the_other_way_round(operator: Operator, shop: str) -> None:
    served = set(re.findall(r"^# TYPE (servicegraph_\w+)", operator.answers("/metrics") or "", re.MULTILINE))
    assert {name for name in served if not name.endswith("_created")} == documented()


def test_metrics_move(kube: Kube, operator: Operator, shop: str) -> None:
    """By at least what happens here: namespaces of former tests may still be on their way out."""
    graphs = 'servicegraph_graphs{condition="Ready",status="%s"}'
    written = 'servicegraph_writes_total{resource="networkpolicies",result="ok",verb="%s"}'
    unresolved = 'servicegraph_edges{state="Unresolved"}'
    eventually(lambda: operator.metric(graphs % "True") >= 1 and operator.metric("servicegraph_policies") >= 3)
    before = {verb: operator.metric(written % verb) for verb in ("create", "update", "delete")}
    changes = operator.metric("servicegraph_label_change_to_policy_seconds_count")
    open_ = operator.metric(unresolved)

    kube.apply(service(shop, "search", {"app": "search-two"}, http=8080))
    eventually(lambda: operator.metric(written % "create") >= before["create"] + 1)
    eventually(lambda: operator.metric(written % "update") >= before["update"] + 2)
    eventually(lambda: operator.metric(written % "delete") >= before["delete"] + 1)
    eventually(lambda: operator.metric("servicegraph_label_change_to_policy_seconds_count") > changes)

    kube.apply(graph(shop, "shop", NOWHERE))
    eventually(lambda: operator.metric(unresolved) > open_, "the gauges follow")
    assert operator.metric('servicegraph_problems{severity="error"}') >= 1
    kinds = ("Service", "Deployment", "Namespace", "NetworkPolicy")
    assert all(operator.metric(f'servicegraph_cache_staleness_seconds{{kind="{kind}"}}') > 0 for kind in kinds)
    assert all(operator.metric(f"servicegraph_{name}_seconds_count") > 0 for name in ("compile", "reconcile"))
    assert operator.answers("/healthz") and operator.answers("/readyz")


def test_kubectl_waits_for_a_graph(kube: Kube, operator: Operator, namespace: str) -> None:
    """It waits while there is no status, and again after an edit: the condition speaks of a generation."""

    def wait(condition: str, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
        flags = [f"--for=condition={condition}", f"--timeout={seconds:.0f}s", "-n", namespace, "servicegraph/shop"]
        command = [str(find_kubectl()), "--kubeconfig", str(kube.kubeconfig), "wait", *flags]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", SHOP))
    done = wait("Ready")
    assert done.returncode == 0, done.stderr
    assert "condition met" in done.stdout
    kube.apply(graph(namespace, "shop", NOWHERE))
    assert wait("EdgesResolved=False").returncode == 0
    assert wait("Stalled", 1).returncode == 1
