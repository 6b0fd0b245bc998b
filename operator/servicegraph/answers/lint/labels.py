"""Labels of pods that Cilium leaves out, where the compiler is not told to write for it (R19)."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Scene, listed
from servicegraph.compiler.labels import CILIUM_IGNORES
from servicegraph.model.graph import PodsParty
from servicegraph.model.problems import Code, Problem
from servicegraph.model.selectors import Selector


def labels_not_seen(scene: Scene) -> Iterator[Problem]:
    """LabelNotEnforceable, of services and of parties by label."""
    severity = scene.severity_on("Cilium", "GKEDataplaneV2")
    if severity is None or scene.profile.engine.ignores_labels:
        return
    for declared in scene.declared:
        if declared.draining or declared.graph is None:
            continue
        if message := _unseen(declared.subject):
            yield Problem(Code.LABEL_NOT_ENFORCEABLE, severity, declared.graph, declared.path, message)
    for said in scene.said():
        if isinstance(said.entry.party, PodsParty) and (message := _unseen(said.entry.party.pods)):
            yield said.problem(Code.LABEL_NOT_ENFORCEABLE, severity, message)


def _unseen(selector: Selector) -> str | None:
    keys = sorted({requirement.key for requirement in selector.requirements} & set(CILIUM_IGNORES))
    if not keys:
        return None
    return (
        f"Cilium and GKE Dataplane V2 do not see {listed(keys)} in their standard configuration, so that a policy "
        "selects nothing by it: select these pods by other labels"
    )
