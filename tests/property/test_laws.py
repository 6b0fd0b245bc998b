"""Order means nothing, and nothing that is emitted says more than it must."""

import json
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.model.cluster import Cluster
from servicegraph.model.policy import AnyPeer, Mode, Policy, PolicyKind
from tests.property.compiled import compiled
from tests.property.scenarios import SCENARIOS, Raw, Scenario

_ORDERS = st.integers(0, 2**32).map(Random)


@given(SCENARIOS, _ORDERS)
def test_the_order_of_the_input_means_nothing(scenario: Scenario, random: Random) -> None:
    def shuffled(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(items, len(items)))

    cluster = scenario.cluster
    parts = {field: shuffled(getattr(cluster, field)) for field in cluster.__struct_fields__}
    assert compiled(Scenario(shuffled(scenario.graphs), Cluster(**parts))) == compiled(scenario)


@given(SCENARIOS, _ORDERS)
def test_the_order_of_lists_in_a_graph_changes_no_byte(scenario: Scenario, random: Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(item) for key, item in value.items()}
        return [shuffled(item) for item in random.sample(value, len(value))] if isinstance(value, list) else value

    graphs: tuple[Raw, ...] = tuple(shuffled(graph) for graph in scenario.graphs)
    one, other = compiled(scenario), compiled(Scenario(graphs, scenario.cluster))
    assert [json.dumps(manifest(p)) for p in one.policies] == [json.dumps(manifest(p)) for p in other.policies]
    assert sorted((e.caller, e.party, e.ports, e.state) for e in one.edges) == sorted(
        (e.caller, e.party, e.ports, e.state) for e in other.edges
    )
    assert sorted((p.code, p.message) for p in one.problems) == sorted((p.code, p.message) for p in other.problems)


@given(SCENARIOS)
def test_nothing_is_left_out_that_would_mean_everything(scenario: Scenario) -> None:
    """R1 and R5: a field that is missing or empty opens; none is, but where the graph says anywhere or R18 exempts."""
    for policy in compiled(scenario).policies:
        made = manifest(policy)
        assert set(made["spec"]) == {"podSelector", "policyTypes", "ingress", "egress"}
        assert made["spec"]["policyTypes"]
        assert (made["spec"]["podSelector"] == {}) == (policy.kind is PolicyKind.DEFAULT_DENY)
        for side, rules, typed in (("from", "ingress", policy.ingress), ("to", "egress", policy.egress)):
            for written, rule in zip(made["spec"][rules], typed, strict=True):
                any_peer = any(isinstance(peer, AnyPeer) for peer in rule.peers)
                assert any_peer or written[side]
                assert written.get(side) != []
                assert rule.ports is None or written["ports"]
                assert not any_peer or _may_be_open(policy, rules, scenario)
                assert rule.ports is not None or (any_peer and _exempts(policy, rules))
                for peer in written.get(side, ()):
                    assert set(peer) in ({"ipBlock"}, {"podSelector"}, {"podSelector", "namespaceSelector"})
        assert not made["spec"]["ingress"] or "Ingress" in made["spec"]["policyTypes"]
        assert not made["spec"]["egress"] or "Egress" in made["spec"]["policyTypes"]


@given(SCENARIOS)
def test_names_are_unique_and_everything_can_be_written_as_json(scenario: Scenario) -> None:
    found = compiled(scenario)
    names = [(p.namespace, p.name) for p in found.policies]
    assert len(set(names)) == len(names)
    assert {p.namespace for p in found.policies} <= {g["metadata"]["namespace"] for g in scenario.graphs}
    assert msgspec.json.decode(msgspec.json.encode(found))


def _exempts(policy: Policy, rules: str) -> bool:
    """Whether a policy may leave this direction open: an exemption, or a direction that its service does not adopt."""
    origins = [o for rule in getattr(policy, rules) for o in rule.origins]
    return policy.kind is PolicyKind.EXEMPTION or all("does not adopt" in o.text for o in origins)


def _may_be_open(policy: Policy, rules: str, scenario: Scenario) -> bool:
    if _exempts(policy, rules):
        return True
    specs = [g["spec"] for g in scenario.graphs if tuple(g["metadata"].values()) == policy.graph]
    services = [s for spec in specs for s in spec["services"] if policy.service and s["name"] == policy.service.name]
    said = [a for part in (*services, *(spec["defaults"] for spec in specs)) for a in part["accepts"]]
    return rules == "ingress" and policy.mode is not Mode.OFF and any("anywhere" in accept for accept in said)
