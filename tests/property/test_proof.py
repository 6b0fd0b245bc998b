"""What the compiler writes is exactly what the graphs declare; what changes that is noticed, and nothing else."""

import random
from collections.abc import Mapping

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Declared, Mode, Policy, PolicyKind
from servicegraph.verify.proof import prove
from servicegraph.verify.reading import read
from servicegraph.verify.redundant import redundant
from tests.property.compiled import compiled
from tests.property.mutations import Manifest, foreign, mutated
from tests.property.points import Labels, Points
from tests.property.scenarios import SCENARIOS, Scenario


def as_enforced(found: Compilation) -> list[Policy]:
    """What is written, and what DryRun services would have instead of being exempt from a default deny."""
    dry = {d.service for d in found.declared if d.mode is Mode.DRY_RUN}
    return [
        p
        for p in found.policies
        if p.kind is PolicyKind.SERVICE or (p.mode is Mode.ENFORCE and (p.service is None or p.service not in dry))
    ]


def namespaces_of(scenario: Scenario) -> dict[str, Labels]:
    """Every namespace that the names of scenarios speak of."""
    known = {n.name: n.labels for n in scenario.cluster.namespaces}
    return {name: known.get(name, {}) for name in ("a", "b", "kube-system", "gone")}


UNKNOWN: Mapping[str, Labels] = {"unknown": {}, "unknown-too": {"team": "x"}}
"""Namespaces that nobody described: the proof has to think of both."""


@given(SCENARIOS)
def test_what_the_compiler_writes_is_exact(scenario: Scenario) -> None:
    found = compiled(scenario)
    proof = prove(found.declared, [read(manifest(p)) for p in as_enforced(found)], namespaces_of(scenario))
    assert (proof.missing, proof.extra) == ((), ())


@given(SCENARIOS, st.randoms(use_true_random=False))
def test_order_means_nothing(scenario: Scenario, chance: random.Random) -> None:
    found = compiled(scenario)
    policies = [read(manifest(p)) for p in as_enforced(found)][1:]
    namespaces = namespaces_of(scenario)
    shuffled = [
        msgspec.structs.replace(said, flows=tuple(chance.sample(said.flows, len(said.flows))))
        for said in chance.sample(found.declared, len(found.declared))
    ]
    one = prove(found.declared, policies, namespaces)
    assert prove(shuffled, chance.sample(policies, len(policies)), namespaces) == one


@given(SCENARIOS, st.data())
def test_a_change_is_noticed_where_it_changes_what_some_class_of_pods_may_and_nowhere_else(
    scenario: Scenario, data: st.DataObject
) -> None:
    found = compiled(scenario)
    right: list[Manifest] = [manifest(p) for p in as_enforced(found)]
    wrong, namespace = mutated(right, data.draw)
    proof = prove(found.declared, map(read, wrong), namespaces_of(scenario))
    points = Points([*right, *wrong], {**namespaces_of(scenario), **UNKNOWN})
    kinds: set[str] = set()
    for pod in points.subjects(namespace):
        for direction in ("Ingress", "Egress"):
            before, after = (points.allowed(pod, direction, policies) for policies in (right, wrong))
            if before is not None and after != before:
                if after is None or after - before:
                    kinds.add("extra")
                if after is not None and before - after:
                    kinds.add("missing")
    assert {"missing"} & kinds == ({"missing"} if proof.missing else set())
    assert {"extra"} & kinds == ({"extra"} if proof.extra else set())


@given(SCENARIOS, foreign())
def test_what_a_policy_adds_is_trusted_as_a_whole(scenario: Scenario, theirs: Manifest) -> None:
    found = compiled(scenario)
    policies = [*(read(manifest(p)) for p in as_enforced(found)), read(theirs)]
    trusts = {said.graph: ["theirs"] for said in found.declared if said.graph is not None}
    plain = prove(found.declared, policies, namespaces_of(scenario))
    trusting = prove(found.declared, policies, namespaces_of(scenario), trusts=trusts)
    assert trusting.missing == plain.missing == ()
    assert trusting.extra == ()
    assert trusting.trusted == plain.extra


@given(SCENARIOS)
def test_an_entry_is_redundant_where_the_policies_are_right_without_it(scenario: Scenario) -> None:
    found = compiled(scenario)
    policies = [read(manifest(p)) for p in as_enforced(found)]
    covered = {(origin.graph, origin.path) for origin in redundant(found.declared, namespaces_of(scenario))}
    entries = {(f.origin.graph, f.origin.path) for said in found.declared for f in said.flows}
    for entry in sorted(entries)[:12]:
        proof = prove([_without(said, entry) for said in found.declared], policies, namespaces_of(scenario))
        if entry in covered:
            assert proof.exact
        elif proof.exact:
            assert entry[1].endswith(".dns") or _shares_pods(found, entry)


def _without(said: Declared, entry: tuple[object, str]) -> Declared:
    left = tuple(f for f in said.flows if (f.origin.graph, f.origin.path) != entry)
    return msgspec.structs.replace(said, flows=left)


def _shares_pods(found: Compilation, entry: tuple[object, str]) -> bool:
    """Whether what an entry says is said for pods that other declarations speak of too."""
    of = [d for d in found.declared if any((f.origin.graph, f.origin.path) == entry for f in d.flows)]
    others = {(d.namespace, d.service): d for d in found.declared}.values()
    return any(d.namespace == o.namespace and d.subject != o.subject for d in of for o in others)
