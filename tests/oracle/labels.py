"""Cases with other labels and selectors that mean the same, for engines that read some labels wrongly."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from tests.oracle.cases import Case

Labels = dict[str, str]
LabelSelector = dict[str, Any]
SELECTORS = frozenset(("podSelector", "namespaceSelector"))


def rewritten(
    case: Case, labels: Callable[[Labels], Labels], selector: Callable[[LabelSelector, bool], LabelSelector]
) -> Case:
    """The case with every set of labels and every selector replaced; policies have to be explicit.

    `selector` is told whether it selects pods of the namespaces that another one selects.
    """
    return replace(
        case,
        namespaces={name: labels(case.namespace_labels(name)) for name in case.namespaces},
        pods=tuple(msgspec.structs.replace(pod, labels=labels(dict(pod.labels))) for pod in case.pods),
        policies=tuple(_selectors(policy, selector) for policy in case.policies),
    )


def selectors(case: Case) -> list[LabelSelector]:
    """Every selector of the case."""
    found: list[LabelSelector] = []

    def note(selector: LabelSelector, _across: bool) -> LabelSelector:
        found.append(selector)
        return selector

    rewritten(case, dict, note)
    return found


def with_values(selector: LabelSelector, value: Callable[[str], str]) -> LabelSelector:
    """A selector with its values renamed."""
    changed = dict(selector)
    if "matchLabels" in selector:
        changed["matchLabels"] = {key: value(said) for key, said in selector["matchLabels"].items()}
    if "matchExpressions" in selector:
        changed["matchExpressions"] = [
            {**expression, "values": [value(said) for said in expression["values"]]}
            if expression.get("values")
            else expression
            for expression in selector["matchExpressions"]
        ]
    return changed


def _selectors(manifest: Any, selector: Callable[[LabelSelector, bool], LabelSelector]) -> Any:
    if isinstance(manifest, Mapping):
        across = "namespaceSelector" in manifest
        return {
            key: selector(dict(value), across and key == "podSelector")
            if key in SELECTORS
            else _selectors(value, selector)
            for key, value in manifest.items()
        }
    return [_selectors(value, selector) for value in manifest] if isinstance(manifest, list) else manifest
