"""What single change turns an answer, for each kind of reason that an answer can have."""

from typing import Any

import pytest

from servicegraph.answers.edits import Edit, PolicyEdit
from servicegraph.answers.explain import Outcome
from servicegraph.answers.whatif import Proposal
from tests.unit.answers.scenes import ask, setting

FRONTEND: dict[str, Any] = {"name": "frontend", "calls": [{"service": "search"}]}
SEARCH: dict[str, Any] = {"name": "search"}
ALL = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
FOREIGN = {
    **ALL,
    "metadata": {"name": "theirs", "namespace": "shop"},
    "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": []},
}


def told(proposal: Proposal) -> list[tuple[str, str, Any]]:
    return [(edit.action.value, edit.path, edit.value) for edit in proposal.edits]


@pytest.mark.parametrize(
    ("spec", "question", "change"),
    [
        (
            {"services": [FRONTEND, SEARCH]},
            ("frontend", "search"),
            ("remove", ".spec.services[0].calls[0]", {"service": "search"}),
        ),
        (
            {"services": [FRONTEND, {**SEARCH, "mode": "DryRun"}, {"name": "database"}]},
            ("search", "database"),
            None,
        ),
        (
            {"services": [{"name": "frontend", "mode": "DryRun"}, {**SEARCH, "directions": ["Egress"]}]},
            ("frontend", "search"),
            ("set", ".spec.services[1].directions", ["Ingress", "Egress"]),
        ),
        (
            {"services": [{**SEARCH, "mode": "DryRun"}]},
            ("frontend", "search"),
            ("set", ".spec.services[0].mode", "Enforce"),
        ),
        (
            {"defaults": {"accepts": [{"anywhere": True, "ports": ["http"]}]}, "services": [SEARCH]},
            ("198.51.100.7", "search"),
            ("remove", ".spec.defaults.accepts[0]", {"anywhere": True, "ports": ["http"]}),
        ),
        ({"services": []}, ("frontend", "search"), ("add", ".spec.services", {"name": "search"})),
    ],
    ids=["a call", "nothing to deny", "a direction", "a dry run", "a default", "no declaration"],
)
def test_what_would_deny(spec: dict[str, Any], question: tuple[str, str], change: tuple[str, str, Any] | None) -> None:
    answer = ask(setting(spec), *question)
    denying = [proposal for proposal in answer.changes if proposal.outcome is Outcome.DENIED]
    if change is None:
        assert (answer.explanation.outcome, denying) == (Outcome.DENIED, [])
    else:
        assert answer.explanation.outcome is Outcome.ALLOWED
        assert told(denying[0]) == [change]


def test_entries_that_say_the_same_go_together() -> None:
    twice = {"name": "frontend", "calls": [{"service": "search"}, {"service": "search", "ports": ["http"]}]}
    answer = ask(setting({"services": [twice, SEARCH]}), "frontend", "search")
    assert [[edit.path for edit in proposal.edits] for proposal in answer.changes] == [
        [".spec.services[0].calls[0]", ".spec.services[0].calls[1]"]
    ]


def test_hosts_behind_a_service_without_selector_are_addresses_where_nothing_else_says_them() -> None:
    mainframe = {"name": "mainframe", "namespace": "shop"}
    hosts = (
        {"apiVersion": "v1", "kind": "Service", "metadata": mainframe, "spec": {"ports": [{"port": 1414}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**mainframe, "labels": {"kubernetes.io/service-name": "mainframe"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["198.51.100.9"]}],
            "ports": [{"port": 1414}],
        },
    )
    where = setting({"services": [SEARCH]}, *hosts)
    entry = {"cidr": "198.51.100.9/32", "ports": [1414]}
    assert told(ask(where, "search", "mainframe").changes[0]) == [("add", ".spec.services[0].calls", entry)]
    entry = {"cidr": "198.51.100.9/32", "ports": [8080]}
    assert told(ask(where, "mainframe", "search").changes[0]) == [("add", ".spec.services[0].accepts", entry)]


def test_dns_is_a_setting_and_no_entry() -> None:
    resolver = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {"selector": {"k8s-app": "kube-dns"}, "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]},
    }
    resolver["spec"]["ports"][0]["name"], resolver["spec"]["ports"][1]["name"] = "dns", "dns-tcp"  # type: ignore[index]
    where = setting({"dns": "Always", "services": [SEARCH]}, resolver)
    answer = ask(where, "search", "kube-system/kube-dns", "53/UDP")
    assert told(answer.changes[0]) == [("set", ".spec.services[0].dns", "Never")]


def test_a_rule_of_somebody_elses_policy_where_no_graph_isolates() -> None:
    answer = ask(setting(None, FOREIGN), "frontend", "search", "http")
    (proposal,) = answer.changes
    (edit,) = proposal.edits
    assert isinstance(edit, PolicyEdit)
    assert (str(edit.policy), edit.path) == ("shop/theirs", ".spec.egress")
    assert edit.value == {
        "to": [{"podSelector": {"matchLabels": {"app": "search"}}}],
        "ports": [{"protocol": "TCP", "port": 8080}],
    }


def test_a_graph_and_somebody_elses_policy_may_both_have_to_change() -> None:
    answer = ask(setting({"services": [SEARCH]}, FOREIGN), "frontend", "search", "http")
    (proposal,) = answer.changes
    assert [isinstance(edit, Edit) for edit in proposal.edits] == [True, False]


def test_trying_leaves_no_trace() -> None:
    where = setting({"services": [FRONTEND, SEARCH]})
    before = where.scene.in_force("shop")
    assert ask(where, "frontend", "search") == ask(where, "frontend", "search")
    assert where.scene.in_force("shop") == before


def test_a_pod_counts_as_the_service_whose_labels_it_has() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": "shop", "labels": {"app": "search", "pod-template-hash": "5f7"}},
        "spec": {"containers": [{"name": "main"}]},
    }
    answer = ask(setting({"services": [FRONTEND, SEARCH, {"name": "database"}]}, pod), "pod/one", "database", "http")
    assert told(answer.changes[0]) == [("add", ".spec.services[1].calls", {"service": "database", "ports": ["http"]})]


def test_what_still_lets_another_port_pass_denies_only_the_port_that_was_asked_for() -> None:
    calls = [{"pods": {"labels": {"app": "database"}}, "ports": [9000]}]
    where = setting({"mode": "DryRun", "directions": ["Egress"], "services": [{**SEARCH, "calls": calls}]})
    enforcing = [("set", ".spec.services[0].mode", "Enforce")]
    assert enforcing in map(told, ask(where, "search", "database", "http").changes)
    assert enforcing not in map(told, ask(where, "search", "database").changes)


def test_a_name_stands_for_the_ranges_that_policies_tell_apart_after_the_change() -> None:
    accepts = [{"cidr": "203.0.113.0/28", "ports": [8080]}]
    trusting = setting({"services": [{**SEARCH, "mode": "DryRun", "accepts": accepts}]})
    assert ask(trusting, "api.example.com", "search", "http").changes == ()
    silent = setting({"services": [{**SEARCH, "mode": "DryRun"}]})
    (proposal,) = ask(silent, "api.example.com", "search", "http").changes
    assert told(proposal) == [("set", ".spec.services[0].mode", "Enforce")]
