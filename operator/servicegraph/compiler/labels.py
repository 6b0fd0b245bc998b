"""Labels that the engine does not see: selecting by one selects nothing, or everything (R19)."""

from servicegraph.compiler.terms import Finding
from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import Engine
from servicegraph.model.selectors import Selector

CILIUM_IGNORES = (
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "controller-revision-hash",
    "controller-uid",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
)
"""Labels that Cilium leaves out of identities by default, so that no selector of a policy matches them:
https://docs.cilium.io/en/stable/operations/performance/scalability/identity-relevant-labels/"""


def unseen_labels(engine: Engine) -> frozenset[str]:
    """The keys of pod labels that the engine ignores."""
    return frozenset(engine.ignores_labels or (CILIUM_IGNORES if engine.name == "Cilium" else ()))


def unenforceable(selector: Selector, unseen: frozenset[str]) -> Finding | None:
    """What is wrong with a selector of pods on labels that the engine ignores."""
    ignored = sorted({r.key for r in selector.requirements} & unseen)
    if not ignored:
        return None
    message = (
        f"pods are selected by {', '.join(ignored)}, which the network plugin of this cluster does not see: select "
        "them by other labels"
    )
    return Finding(Code.LABEL_NOT_ENFORCEABLE, Severity.ERROR, message)
