"""Both engines mean the same: what is written for Cilium allows exactly what is declared, as NetworkPolicies do."""

import copy
from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Engine as Kind
from servicegraph.model.policy import Policy
from servicegraph.model.profile import ClusterProfile, Engine
from servicegraph.verify.changes import compare
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.proof import prove
from servicegraph.verify.reading import read
from tests.property.clusters import PROFILE
from tests.property.compiled import graphs_of
from tests.property.scenarios import SCENARIOS, Scenario
from tests.property.test_proof import as_enforced, namespaces_of

CILIUM = msgspec.structs.replace(PROFILE, engine=Engine("Cilium"))
ENGINES = st.sampled_from(["Auto", "NetworkPolicy", "Cilium"])
ONLY_CILIUM = ("fqdn", "nodes", "kubeAPIServer")
"""Parties that only Cilium knows, or knows by something else than addresses."""


def on(scenario: Scenario, profile: ClusterProfile, engine: str) -> Compilation:
    graphs = [
        msgspec.structs.replace(
            graph, services=tuple(msgspec.structs.replace(service, engine=engine) for service in graph.services)
        )
        for graph in graphs_of(scenario)
    ]
    return compile_all(graphs, scenario.cluster, profile)


def policies_of(found: Compilation) -> list[NetworkPolicy]:
    return [read(manifest(policy)) for policy in as_enforced(found)]


def sayable(scenario: Scenario) -> Scenario:
    """The scenario without the parties and ExternalNames that the two engines say in different words."""
    graphs: list[dict[str, Any]] = copy.deepcopy(list(scenario.graphs))
    for graph in graphs:
        for holder in (graph["spec"]["defaults"], *graph["spec"]["services"]):
            for field in holder.keys() & {"calls", "accepts"}:
                holder[field] = [entry for entry in holder[field] if not any(word in entry for word in ONLY_CILIUM)]
    services = (msgspec.structs.replace(service, external_name=None) for service in scenario.cluster.services)
    return Scenario(tuple(graphs), msgspec.structs.replace(scenario.cluster, services=tuple(services)))


@given(SCENARIOS, ENGINES)
def test_what_is_written_on_cilium_is_exact(scenario: Scenario, engine: str) -> None:
    found = on(scenario, CILIUM, engine)
    proof = prove(found.declared, policies_of(found), namespaces_of(scenario))
    assert (proof.missing, proof.extra) == ((), ())


@given(SCENARIOS, ENGINES)
def test_either_engine_allows_the_same(scenario: Scenario, engine: str) -> None:
    alike = sayable(scenario)
    plain, cilium = on(alike, PROFILE, "Auto"), on(alike, CILIUM, engine)
    assert compare(policies_of(plain), policies_of(cilium), namespaces_of(scenario)) == ()


@given(SCENARIOS)
def test_only_what_needs_cilium_is_written_for_it(scenario: Scenario) -> None:
    found = on(scenario, CILIUM, "Auto")
    alike = on(sayable(scenario), CILIUM, "Auto")
    assert {policy.engine for policy in alike.policies} <= {Kind.NETWORK_POLICY}
    for policy in found.policies:
        assert (policy.engine is Kind.CILIUM) == _needs_cilium(policy)


def _needs_cilium(policy: Policy) -> bool:
    words = {"toFQDNs", "toEntities", "fromEntities"}
    rules = manifest(policy)["spec"].get("egress", []) + manifest(policy)["spec"].get("ingress", [])
    return any(words & rule.keys() for rule in rules)


@given(SCENARIOS, st.data())
def test_a_change_of_a_rule_is_noticed(scenario: Scenario, data: st.DataObject) -> None:
    found = on(scenario, CILIUM, "Cilium")
    right = [manifest(policy) for policy in as_enforced(found)]
    places = [
        (number, field, index)
        for number, written in enumerate(right)
        if written["kind"] == "CiliumNetworkPolicy"
        for field in ("ingress", "egress")
        for index, rule in enumerate(written["spec"].get(field, []))
        if rule and not set(rule) & {"fromEntities", "toEntities"}
    ]
    if not places:
        return
    number, field, index = data.draw(st.sampled_from(places))
    for change in (_without, _everywhere):
        wrong = copy.deepcopy(right)
        change(wrong[number]["spec"], field, index)
        proof = prove(found.declared, map(read, wrong), namespaces_of(scenario))
        if compare(map(read, right), map(read, wrong), namespaces_of(scenario)):
            assert proof.missing or proof.extra


def _without(spec: dict[str, Any], field: str, index: int) -> None:
    del spec[field][index]
    spec[field] = spec[field] or [{}]


def _everywhere(spec: dict[str, Any], field: str, index: int) -> None:
    rule: Mapping[str, Any] = spec[field][index]
    spec[field][index] = (
        {"toPorts": [{"ports": of["ports"]} for of in rule.get("toPorts", [])]}
        if rule.get("toPorts")
        else {("from" if field == "ingress" else "to") + "Entities": ["all"]}
    )
