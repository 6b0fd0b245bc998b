"""Terms and ports that services had before, for as long as pods need them (R14)."""

from tests.integration.kube import Kube, Object
from tests.integration.look import condition, peers, policies
from tests.integration.operators import Operator
from tests.integration.support import end_pod, start_pod
from tests.integration.world import SHOP, calls, deployment, graph, service
from tests.waiting import eventually

OLD, NEW = {"app": "search"}, {"app": "search-two"}


def called(kube: Kube, namespace: str, caller: str = "frontend") -> list[tuple[Object, list[int]]]:
    return sorted(peers(policies(kube, namespace)[caller], "egress"), key=str)


def test_ports_that_moved_stay_open_for_pods_that_still_have_them(kube: Kube, shop: str) -> None:
    start_pod(kube, shop, "search-old", OLD, http=8080)
    kube.apply(deployment(shop, "search", http=9090))
    eventually(lambda: [9090] in [sorted(ports)[-1:] for _, ports in called(kube, shop)], "the new port is open")
    assert called(kube, shop) == [(OLD, [8080, 9090])]
    end_pod(kube, shop, "search-old")
    eventually(lambda: called(kube, shop) == [(OLD, [9090])], "the old port goes with the last pod that has it")


def test_a_removed_call_is_withdrawn_even_from_what_drains(kube: Kube, shop: str, operator: Operator) -> None:
    start_pod(kube, shop, "search-old", OLD)
    kube.apply(deployment(shop, "search-two", NEW))
    kube.apply(service(shop, "search", NEW))
    eventually(lambda: called(kube, shop) == [(OLD, [8080]), (NEW, [8080])], "both terms are called")
    kube.apply(graph(shop, "shop", {**SHOP, "frontend": calls()}))
    eventually(lambda: called(kube, shop) == [], "neither is called any more")

    def former() -> list[object]:
        found = [p["spec"] for p in kube.list("NetworkPolicy", shop)]
        return [spec.get("ingress") for spec in found if spec["podSelector"] == {"matchLabels": OLD}]

    eventually(lambda: former() == [None], "the old pods stay isolated, and closed")
    assert kube.get("ServiceGraph", shop, "shop") is not None


def test_a_move_that_nothing_covers_is_told(kube: Kube, shop: str) -> None:
    start_pod(kube, shop, "search-old", OLD)
    kube.apply(deployment(shop, "search-two", NEW), service(shop, "search", NEW))

    def codes() -> list[str]:
        return [p["code"] for p in (kube.get("ServiceGraph", shop, "shop") or {})["status"]["problems"]]

    eventually(lambda: "CoverageGap" in codes(), "the gap is a problem")
    eventually(lambda: "CoverageGap" in [event["reason"] for event in kube.list("Event", shop)], "and an Event")
    end_pod(kube, shop, "search-old")
    eventually(lambda: "CoverageGap" not in codes(), "when the move is over it is history")


def test_a_planted_policy_is_no_peer(kube: Kube, shop: str) -> None:
    start_pod(kube, shop, "intruder", {"app": "intruder"})
    real = policies(kube, shop)["search"]
    planted = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "sg-search-0123456789",
            "namespace": shop,
            "labels": real["metadata"]["labels"],
            "annotations": real["metadata"]["annotations"],
            "ownerReferences": [
                {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}
                for owner in real["metadata"]["ownerReferences"]
            ],
        },
        "spec": {**real["spec"], "podSelector": {"matchLabels": {"app": "intruder"}}},
    }
    before = called(kube, shop)
    kube.apply(planted)
    eventually(lambda: kube.get("NetworkPolicy", shop, "sg-search-0123456789") is None, "it is taken for a leftover")
    assert called(kube, shop) == before
    assert condition(kube, shop, "shop", "Ready") == "True"


def test_a_service_that_is_deleted_for_a_moment_cuts_nothing(kube: Kube, shop: str) -> None:
    start_pod(kube, shop, "search-old", OLD)
    kube.delete("Deployment", shop, "search")
    kube.delete("Service", shop, "search")
    eventually(lambda: condition(kube, shop, "shop", "EdgesResolved") == "False", "the call is unresolved")
    assert called(kube, shop) == [(OLD, [8080])], "and still open while there are pods"
    kube.apply(service(shop, "search"), deployment(shop, "search"))
    eventually(lambda: condition(kube, shop, "shop", "EdgesResolved") == "True", "it is back")
    assert called(kube, shop) == [(OLD, [8080])]
