import json

import pytest

from tools.cluster.faults import Fault, Request, expired_event, status_body

POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"


@pytest.mark.parametrize(
    ("target", "watch"), [("?watch=true", True), ("?watch=1", True), ("?watch=false", False), ("?a=watch", False)]
)
def test_a_watch_is_told_from_a_list_by_its_query(target: str, watch: bool) -> None:
    assert Request.of("GET", POLICIES + target) == Request("GET", POLICIES, watch)


@pytest.mark.parametrize(
    ("fault", "matches"),
    [
        (Fault(), True),
        (Fault(methods=frozenset({"PATCH", "POST"})), True),
        (Fault(methods=frozenset({"GET"})), False),
        (Fault(path="networkpolicies"), True),
        (Fault(path="^/api/"), False),
        (Fault(watch=False), True),
        (Fault(watch=True), False),
        (Fault(methods=frozenset({"PATCH"}), path="leases"), False),
    ],
)
def test_a_fault_meets_requests_that_fit_all_it_names(fault: Fault, matches: bool) -> None:
    assert fault.matches(Request("PATCH", f"{POLICIES}/search", watch=False)) is matches


def test_answers_look_like_the_api_servers() -> None:
    assert status_body(409)["reason"] == "Conflict"
    event = json.loads(expired_event())
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
