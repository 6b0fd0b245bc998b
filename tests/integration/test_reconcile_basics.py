"""From a graph to policies."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.kube import Audit, Kube, Refused
from tests.integration.look import condition, peers, policies, versions
from tests.integration.support import end_pod, policy_writes, start_pod
from tests.integration.world import SHOP, app, calls, deployment, graph, service
from tests.waiting import eventually


def test_a_graph_becomes_policies(kube: Kube, shop: str) -> None:
    found = policies(kube, shop)
    assert found.keys() == SHOP.keys()
    assert peers(found["frontend"], "egress") == [({"app": "search"}, [8080])]
    assert peers(found["search"], "ingress") == [({"app": "frontend"}, [8080])]
    assert peers(found["search"], "egress") == [({"app": "database"}, [8080])]
    assert peers(found["database"], "ingress") == [({"app": "search"}, [8080])]
    assert all(policy["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in found.values())
    status = (kube.get("ServiceGraph", shop, "shop") or {})["status"]
    assert status["edges"] == {"total": 2, "active": 2, "awaitingConsent": 0, "unresolved": 0, "unsupported": 0}
    assert (status["services"], status["policies"]) == (3, 3)
    assert [problem["code"] for problem in status["problems"]] == ["NotEnforced"], "nothing enforces policies there"


def test_a_label_change_moves_only_the_policies_that_differ(kube: Kube, shop: str, audit: Audit) -> None:
    before = versions(kube, shop)
    moved = {"app": "search", "tier": "two"}
    audit.reset()
    kube.apply(deployment(shop, "search-two", moved))
    kube.apply(service(shop, "search", moved))
    eventually(lambda: moved in [p["spec"]["podSelector"].get("matchLabels") for p in kube.list("NetworkPolicy", shop)])
    eventually(lambda: len(kube.list("NetworkPolicy", shop)) == 3, "the former policy of search is gone")
    found = policies(kube, shop)
    assert peers(found["frontend"], "egress") == [(moved, [8080])]
    assert peers(found["database"], "ingress") == [(moved, [8080])]
    after = versions(kube, shop)
    assert len(before.keys() & after.keys()) == 2
    both = {found[name]["metadata"]["name"] for name in ("frontend", "database")}
    expected = both | (before.keys() ^ after.keys())
    eventually(lambda: {name for _, name in policy_writes(audit, shop)} == expected, "a create, two updates, a delete")


def test_a_removed_call_is_withdrawn(kube: Kube, shop: str) -> None:
    kube.apply(graph(shop, "shop", {**SHOP, "search": calls()}))
    eventually(lambda: condition(kube, shop, "shop", "Ready") == "True")
    found = policies(kube, shop)
    assert peers(found["search"], "egress") == []
    assert peers(found["database"], "ingress") == []


def test_a_deleted_graph_takes_its_policies_along(kube: Kube, shop: str) -> None:
    kube.delete("ServiceGraph", shop, "shop")
    eventually(lambda: not kube.list("NetworkPolicy", shop), "no policy is left")


def test_dry_run_writes_nothing_and_says_what_it_would(kube: Kube, shop: str, audit: Audit) -> None:
    before = versions(kube, shop)
    kube.apply(graph(shop, "shop", {**SHOP, "search": calls(), "extra": {}}, mode="DryRun"), *app(shop, "extra"))
    eventually(lambda: condition(kube, shop, "shop", "Ready", "reason") == "DryRun")
    eventually(lambda: "create 1, update 2" in (condition(kube, shop, "shop", "Ready", "message") or ""))
    assert versions(kube, shop) == before
    kube.apply(graph(shop, "shop", SHOP, mode="Off"))
    eventually(lambda: not kube.list("NetworkPolicy", shop), "Off takes the policies away")
    eventually(lambda: condition(kube, shop, "shop", "Ready", "reason") == "Off")
    kube.apply(graph(shop, "shop", SHOP))
    eventually(lambda: condition(kube, shop, "shop", "Ready", "reason") == "Applied")
    assert policies(kube, shop).keys() == SHOP.keys()


def test_pods_with_the_former_labels_stay_reachable(kube: Kube, shop: str) -> None:
    start_pod(kube, shop, "search-old", {"app": "search"})
    moved = {"app": "search-two"}
    kube.apply(service(shop, "search", moved), deployment(shop, "search-two", moved))
    eventually(lambda: len(kube.list("NetworkPolicy", shop)) == 4, "the former term keeps its policy")

    def callee() -> list[Any]:
        return [labels for labels, _ in peers(policies(kube, shop)["frontend"], "egress")]

    eventually(lambda: sorted(map(str, callee())) == sorted(map(str, [{"app": "search"}, moved])))
    end_pod(kube, shop, "search-old")
    eventually(lambda: len(kube.list("NetworkPolicy", shop)) == 3, "the former policy goes when its last pod is gone")
    eventually(lambda: callee() == [moved])


def test_the_operator_has_no_more_rights_than_it_needs(kube: Kube, account: Path) -> None:
    itself = Kube(account)
    with pytest.raises(Refused):
        itself.call("GET", "/api/v1/secrets")
