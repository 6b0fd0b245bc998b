"""The compiler's output is exactly what the graphs declare, and the proof notices whatever changes that."""

from hypothesis import given

from servicegraph.compiler.emit.kubernetes import manifest
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Mode, PolicyKind
from servicegraph.verify.policies import NetworkPolicy, read
from servicegraph.verify.proof import prove
from tests.property.compiled import compiled
from tests.property.scenarios import SCENARIOS, Scenario


def as_enforced(found: Compilation) -> list[NetworkPolicy]:
    """What is written, and what DryRun services would have instead of being exempt from a default deny."""
    dry = {d.service for d in found.declared if d.mode is Mode.DRY_RUN}
    return [
        read(manifest(p))
        for p in found.policies
        if p.kind is PolicyKind.SERVICE or (p.mode is Mode.ENFORCE and (p.service is None or p.service not in dry))
    ]


def namespaces_of(scenario: Scenario) -> dict[str, dict[str, str]]:
    return {n.name: dict(n.labels) for n in scenario.cluster.namespaces}


@given(SCENARIOS)
def test_what_the_compiler_writes_is_exact(scenario: Scenario) -> None:
    found = compiled(scenario)
    proof = prove(found.declared, as_enforced(found), namespaces_of(scenario))
    assert proof.missing == ()
    assert proof.extra == ()
