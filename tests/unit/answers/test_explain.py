"""Verdicts by pods and by ports, and what is said about them."""

from typing import Any

from servicegraph.answers.ends import resolve
from servicegraph.answers.explain import Outcome, troubles
from tests.integration.world import deployment
from tests.unit.answers.scenes import ask, setting

SEARCH: dict[str, Any] = {"name": "search"}


def test_ports_with_one_verdict_for_one_reason_are_told_together() -> None:
    calls = [{"service": "search"}, {"pods": {"labels": {"app": "search"}}, "ports": ["9000-9100"]}]
    accepts = [{"anywhere": True, "ports": ["9050-9200"]}]
    spec = {"services": [{"name": "frontend", "calls": calls}, {**SEARCH, "accepts": accepts}]}
    found = ask(setting(spec), "frontend", "search").explanation
    assert found.outcome is Outcome.ALLOWED
    allowed = [[str(port) for port in answer.ports] for answer in found.answers if answer.allowed]
    assert allowed == [["8080"], ["9050-9100"]]


def test_kinds_of_pods_that_differ_are_told_apart() -> None:
    canary = deployment("shop", "canary", {"app": "search", "track": "canary"})
    closed = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"track": "canary"}}, "policyTypes": ["Ingress"]},
    }
    found = ask(setting(None, canary, closed), "frontend", "search", "http").explanation
    assert found.outcome is Outcome.MIXED
    assert {(answer.destination, answer.allowed) for answer in found.answers} == {
        ("Deployment shop/search", True),
        ("Deployment shop/canary", False),
    }


def test_pods_in_the_hosts_network_are_outside_every_policy() -> None:
    agent = deployment("shop", "agent")
    agent["spec"]["template"]["spec"]["hostNetwork"] = True
    found = ask(setting({"services": [SEARCH]}, agent), "agent", "search", "http").explanation
    assert found.outcome is Outcome.DENIED
    assert found.notes == (
        "Deployment shop/agent runs in the host's network: no policy isolates it, and no pod selector matches it",
    )
    assert found.answers[0].egress.outside


def test_an_entry_that_gives_no_rule_is_told() -> None:
    spec = {"services": [{"name": "frontend", "calls": [{"service": "search", "ports": ["grpc"]}]}, SEARCH]}
    where = setting(spec)
    ends = resolve("frontend", where.scene, "shop"), resolve("search", where.scene, "shop")
    (problem,) = troubles(where.scene, *ends)
    assert (problem.code, problem.path) == ("PortNotFound", ".spec.services[0].calls[0]")
    assert troubles(where.scene, ends[0], resolve("database", where.scene, "shop")) == ()


def test_a_name_is_answered_for_each_range_that_policies_tell_apart() -> None:
    calls = [{"cidr": "198.51.100.0/24", "except": ["198.51.100.0/28"], "ports": [443]}]
    where = setting({"services": [{"name": "frontend", "calls": calls}]})
    found = ask(where, "frontend", "api.example.com", "443").explanation
    assert found.outcome is Outcome.MIXED
    assert [(answer.destination, answer.allowed) for answer in found.answers] == [
        ("198.51.100.0/24 except 198.51.100.0/28", True),
        ("any other address", False),
    ]


def test_a_dry_run_denies_nothing_and_an_off_service_neither() -> None:
    for mode in ("DryRun", "Off"):
        where = setting({"services": [{**SEARCH, "mode": mode}]})
        assert ask(where, "frontend", "search").explanation.outcome is Outcome.ALLOWED
