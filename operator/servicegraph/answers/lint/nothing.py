"""Selectors that match no pod: most often a typing error that isolates nobody and opens nothing."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Said, Scene
from servicegraph.compiler.entries import selector_text
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import GENERATED_LABELS
from servicegraph.model.graph import PodsParty
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.selectors import EVERYTHING, NAMESPACE_LABEL, Selector, satisfiable


def matches_nothing(scene: Scene) -> Iterator[Problem]:
    """MatchesNothing, for parties by label and for the pods of services."""
    for said in scene.said():
        if isinstance(said.entry.party, PodsParty) and (message := _party(said, said.entry.party, scene)):
            yield said.problem(Code.MATCHES_NOTHING, Severity.WARNING, message)
    for declared in scene.declared:
        if declared.draining or declared.service is None or declared.graph is None:
            continue
        if message := _unmatched(declared.namespace, declared.subject, scene):
            text = f"{message}; nothing is isolated by it: correct the labels"
            yield Problem(Code.MATCHES_NOTHING, Severity.WARNING, declared.graph, declared.path, text)


def _party(said: Said, party: PodsParty, scene: Scene) -> str | None:
    namespaces = party.namespaces
    for selector in (party.pods, namespaces or EVERYTHING):
        if not satisfiable(selector):
            return f"{selector_text(selector)} contradicts itself: nothing can ever match it"
    if namespaces is None:
        message = _unmatched(said.service.key.namespace, party.pods, scene)
        return message and f"{message}: correct the labels"
    names = list(scene.inventory.namespaces_matching(namespaces))
    if pinned := namespaces.labels().get(NAMESPACE_LABEL):
        missing = scene.complete and pinned not in scene.inventory.namespaces
        message = f"there is no namespace {pinned}" if missing else _unmatched(pinned, party.pods, scene)
        return message and f"{message}: correct the name or the labels"
    pods = party.pods.without(GENERATED_LABELS)
    if scene.complete and not names:
        return f"no namespace is labelled {selector_text(namespaces)}: correct the labels"
    if scene.complete and not any(scene.inventory.matching(name, pods) for name in names):
        return f"no workload of those namespaces makes pods {selector_text(party.pods)}: correct the labels"
    return None


def _unmatched(namespace: str, selector: Selector, scene: Scene) -> str | None:
    """What to say where a namespace has workloads and none of them makes such pods.

    Labels that controllers put on pods later stand in no template.
    """
    selector = selector.without(GENERATED_LABELS)
    if scene.inventory.matching(namespace, selector):
        return None
    known = scene.inventory.matching(namespace, EVERYTHING)
    if not known:
        return None

    def met(labels: dict[str, str]) -> int:
        return sum(requirement.matches(labels) for requirement in selector.requirements)

    keys = {requirement.key for requirement in selector.requirements}
    best = max(known, key=lambda w: (met(dict(pod_labels(w))), len(keys & pod_labels(w).keys())))
    near = {key: value for key, value in pod_labels(best).items() if key in keys}
    hint = f" (the nearest is {best.key} with {selector_text(Selector.from_labels(near))})" if near else ""
    return f"no workload of {namespace} makes pods {selector_text(selector)}{hint}"
