"""Rule R14: pods with the former labels stay isolated and reachable for their callers until they are gone."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from servicegraph.compiler.emit.names import (
    GRAPH_LABEL,
    LISTENING_ANNOTATION,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    SERVICE_LABEL,
    policy_name,
)
from servicegraph.controller.draining import stamp
from servicegraph.controller.live import SINCE_ANNOTATION
from servicegraph.model.selectors import from_label_selector
from tests.integration.kube import Audit, Kube, Object, path_of
from tests.integration.look import edges, policies, problems, ready
from tests.integration.operators import Operator, down
from tests.integration.support import History, Labels, Scene, end_pod, policy_writes, shop_pods, start_pod
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.waiting import eventually

MOVED = {"app": "search-two"}
CALLS = {"frontend > search:8080", "search > database:8080"}
DRAINING = CALLS | {"frontend > former:8080", "former > database:8080"}
DRAINED = CALLS | {"former > stranger:8080", "stranger > former:8080"}


def pods(namespace: str) -> Scene:
    return shop_pods(namespace, search=MOVED, former={"app": "search"})


def name_for(labels: Labels) -> str:
    """The name that search's policy for pods with these labels has."""
    return policy_name("search", from_label_selector({"matchLabels": labels}))


def notes(kube: Kube, namespace: str) -> Object:
    """The annotations of the policy for search's former pods."""
    found: Object = (kube.get("NetworkPolicy", namespace, name_for({"app": "search"})) or {})["metadata"]["annotations"]
    return found


def move(kube: Kube, namespace: str) -> None:
    """The Service of search leads to other pods now."""
    kube.apply(deployment(namespace, "search-two", MOVED), service(namespace, "search", MOVED))


@pytest.fixture
def before(kube: Kube, shop: str) -> str:
    """The shop, with a pod of search that is really there."""
    start_pod(kube, shop, "search-1", {"app": "search"})
    return shop


@pytest.fixture
def moving(kube: Kube, before: str) -> str:
    """The same after search has moved."""
    move(kube, before)
    eventually(lambda: pods(before).allows(kube) == DRAINING, "the former pods are as they were")
    eventually(lambda: SINCE_ANNOTATION in notes(kube, before), "and their policy says since when")
    return before


def test_former_pods_keep_their_policy_and_their_callers(kube: Kube, operator: Operator, before: str) -> None:
    history = History(kube, before)
    move(kube, before)
    eventually(lambda: pods(before).allows(kube) == DRAINING)
    for moment in history.moments():
        flows = pods(before).flows(moment)
        assert flows >= {"frontend > former:8080", "former > database:8080"}, "no declared call is cut at any moment"
        assert "stranger > former:8080" not in flows, "and they are never open"
    end_pod(kube, before, "search-1")
    eventually(lambda: pods(before).allows(kube) == DRAINED, "nobody needs the former labels")
    eventually(lambda: operator.metric("servicegraph_draining_terms") == 0)


def test_a_finished_pod_needs_nothing(kube: Kube, moving: str) -> None:
    path = path_of("Pod", moving, "search-1") + "/status"
    kube.call("PATCH", path, {"status": {"phase": "Succeeded"}}, "application/merge-patch+json")
    eventually(lambda: pods(moving).allows(kube) == DRAINED)


def test_back_to_the_former_labels(kube: Kube, operator: Operator, moving: str) -> None:
    start_pod(kube, moving, "search-2", MOVED)
    kube.apply(service(moving, "search"))
    eventually(lambda: operator.metric("servicegraph_draining_terms") == 1, "now the others drain")
    assert pods(moving).allows(kube) == DRAINING
    end_pod(kube, moving, "search-2")
    eventually(lambda: shop_pods(moving).allows(kube) == CALLS and len(kube.list("NetworkPolicy", moving)) == 3)


def test_a_restart_forgets_nothing(kube: Kube, operator: Operator, moving: str, audit: Audit) -> None:
    with down(operator):
        audit.reset()
    kube.apply(*app(moving, "later"), graph(moving, "later", {"later": {}}))
    eventually(
        lambda: "later" in policies(kube, moving) and ready(kube, moving, "later"), "the namespace has been compared"
    )
    assert {name.rpartition("-")[0] for _, name in policy_writes(audit, moving)} == {"sg-later"}
    assert pods(moving).allows(kube) == DRAINING
    with down(operator):
        end_pod(kube, moving, "search-1")
    eventually(lambda: pods(moving).allows(kube) == DRAINED, "its end was not missed")


def test_labels_that_move_while_no_operator_runs(kube: Kube, operator: Operator, before: str) -> None:
    history = History(kube, before)
    with down(operator):
        move(kube, before)
    eventually(lambda: pods(before).allows(kube) == DRAINING)
    assert all("frontend > former:8080" in pods(before).flows(moment) for moment in history.moments())


def test_a_removed_call_is_withdrawn_at_once(kube: Kube, moving: str) -> None:
    kube.apply(graph(moving, "shop", {**SHOP, "frontend": {}}))
    left = {flow for flow in DRAINING if not flow.startswith("frontend")}
    eventually(lambda: pods(moving).allows(kube) == left, "former pods lose it too, and stay isolated")


def test_a_removed_service_is_withdrawn_at_once(kube: Kube, moving: str) -> None:
    kube.apply(graph(moving, "shop", {"frontend": {}, "database": {}}))
    eventually(lambda: policies(kube, moving).keys() == {"frontend", "database"})
    assert not any("frontend" in flow or "database" in flow for flow in pods(moving).allows(kube))


def test_a_service_that_is_deleted_while_its_pods_run(kube: Kube, before: str) -> None:
    """Without its Deployment nothing is left that says what search is, but its pods are there."""
    kube.delete("Deployment", before, "search")
    kube.delete("Service", before, "search")
    eventually(lambda: "NoPods" in problems(kube, before))
    assert shop_pods(before).allows(kube) == CALLS
    end_pod(kube, before, "search-1")
    eventually(lambda: policies(kube, before).keys() == {"frontend", "database"})


def test_at_most_four_terms_drain(kube: Kube, operator: Operator, before: str) -> None:
    for number in range(1, 7):
        labels = {"app": f"search-{number}"}
        kube.apply(service(before, "search", labels, http=8080))
        start_pod(kube, before, f"moved-{number}", labels)
        eventually(partial(kube.get, "NetworkPolicy", before, name_for(labels)))
    eventually(lambda: len(kube.list("NetworkPolicy", before)) == 3 + 4)
    eventually(lambda: operator.metric("servicegraph_draining_terms") == 4)


def test_a_move_to_labels_that_no_policy_covered_is_told(kube: Kube, moving: str) -> None:
    eventually(lambda: "CoverageGap" in problems(kube, moving), "new pods could start before their policy")
    end_pod(kube, moving, "search-1")
    eventually(lambda: not problems(kube, moving), "until the move is over")


def test_a_move_between_colours_that_are_both_selected_is_none(kube: Kube, operator: Operator, namespace: str) -> None:
    both = [{"labels": {"app": "search"}}, {"labels": MOVED}]
    kube.apply(*app(namespace, *SHOP), deployment(namespace, "search-two", MOVED))
    kube.apply(graph(namespace, "shop", {**SHOP, "search": {**calls("database"), "selects": both}}))
    eventually(lambda: pods(namespace).allows(kube) == DRAINING, "both are search")
    start_pod(kube, namespace, "search-1", {"app": "search"})
    created = max(p["metadata"]["creationTimestamp"] for p in kube.list("NetworkPolicy", namespace))
    eventually(lambda: stamp(datetime.now(UTC)) > created, "the second in which the last was created is over")
    kube.apply(graph(namespace, "shop", {**SHOP, "search": {**calls("database"), "selects": both[1:]}}))
    eventually(lambda: operator.metric("servicegraph_draining_terms") == 1, "one of them drains")
    eventually(lambda: ready(kube, namespace))
    assert pods(namespace).allows(kube) == DRAINING
    eventually(lambda: "CoverageGap" not in problems(kube, namespace))


def planted(kube: Kube, namespace: str, **metadata: object) -> Object:
    """A policy that claims to be search's for pods of an intruder, which are open to all and may go everywhere."""
    labels = {MANAGED_BY_LABEL: MANAGED_BY, GRAPH_LABEL: "shop", SERVICE_LABEL: "search"}
    genuine = policies(kube, namespace)["search"]["metadata"]["annotations"]
    annotations = {LISTENING_ANNOTATION: genuine[LISTENING_ANNOTATION]}
    intruder = {"app": "intruder"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name_for(intruder),
            "namespace": namespace,
            "labels": labels,
            "annotations": annotations,
            **metadata,
        },
        "spec": {
            "podSelector": {"matchLabels": intruder},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        },
    }


def with_labels(kube: Kube, namespace: str) -> Object:
    return planted(kube, namespace, name="sg-search")


def with_a_name_of_ours(kube: Kube, namespace: str) -> Object:
    return planted(kube, namespace)


def with_a_hash(kube: Kube, namespace: str) -> Object:
    return planted(kube, namespace, annotations=policies(kube, namespace)["search"]["metadata"]["annotations"])


def with_an_owner(kube: Kube, namespace: str) -> Object:
    references = policies(kube, namespace)["search"]["metadata"]["ownerReferences"]
    return planted(kube, namespace, ownerReferences=references)


def with_the_very_policy_of_search(kube: Kube, namespace: str) -> Object:
    return planted(kube, namespace, name=policies(kube, namespace)["search"]["metadata"]["name"])


@pytest.mark.parametrize(
    ("plant", "stays"),
    [
        (with_labels, True),
        (with_a_name_of_ours, True),
        (with_a_hash, False),
        (with_an_owner, False),
        (with_the_very_policy_of_search, False),
    ],
)
def test_a_planted_policy_is_no_peer(
    kube: Kube, operator: Operator, before: str, plant: Callable[[Kube, str], Object], stays: bool
) -> None:
    start_pod(kube, before, "intruder", {"app": "intruder"})
    history = History(kube, before)
    planting = plant(kube, before)
    kube.apply(planting)
    kube.apply(service(before, "database", http=9090))
    place = shop_pods(before, 8080, 9090, intruder={"app": "intruder"})
    eventually(lambda: "search > database:9090" in place.allows(kube), "the namespace has been compared")
    eventually(lambda: edges(kube, before) == {"total": 2, "active": 2})

    def is_there() -> bool:
        found = kube.get("NetworkPolicy", before, planting["metadata"]["name"])
        return found is not None and found["spec"] == planting["spec"]

    eventually(lambda: is_there() == stays)
    for moment in history.moments():
        flows = place.flows(moment)
        assert not any(flow.startswith(("frontend > intruder", "intruder > database")) for flow in flows)
