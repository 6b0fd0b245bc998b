"""The smallest part of a case that still shows what the whole showed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from servicegraph.verify.ends import Pod
from servicegraph.verify.reading import read
from servicegraph.verify.written import PolicyError
from tests.oracle.cases import Case, Manifest, Question


def minimal(case: Case, question: Question, shows: Callable[[Case], bool]) -> Case:
    """A valid case from which nothing can be taken without `shows` becoming false; the question's ends stay."""
    found: Case | None = case
    while found:
        case = found
        smaller = (less for less in _smaller(case, question) if all(map(is_valid, less.policies)))
        found = next(filter(shows, smaller), None)
    return case


def is_valid(manifest: Manifest) -> bool:
    """Whether the API server would accept it."""
    try:
        read(manifest)
    except PolicyError:
        return False
    return True


def _smaller(case: Case, question: Question) -> Iterator[Case]:
    """Every case with one thing less, the largest things first."""
    asked = set(question[:2])
    for policies in _without_one(case.policies):
        yield replace(case, policies=tuple(policies))
    for pods in _without_one(case.pods):
        if asked & set(case.ends) <= {f"{pod.namespace}/{pod.name}" for pod in pods} | set(case.addresses):
            yield replace(case, pods=tuple(pods))
    for addresses in _without_one(case.addresses):
        if not asked & (set(case.addresses) - set(addresses)):
            yield replace(case, addresses=tuple(addresses))
    for namespace in case.namespaces:
        used = {pod.namespace for pod in case.pods} | {p["metadata"]["namespace"] for p in case.policies}
        if namespace not in used:
            yield replace(case, namespaces=_without(case.namespaces, namespace))
    for index, policy in enumerate(case.policies):
        for spec in lessened(policy["spec"]):
            yield replace(case, policies=_with(case.policies, index, {**policy, "spec": spec}))
    for index, pod in enumerate(case.pods):
        for lesser in _lesser_pods(pod):
            yield replace(case, pods=_with(case.pods, index, lesser))
    for namespace, labels in case.namespaces.items():
        for key in labels:
            yield replace(case, namespaces={**case.namespaces, namespace: _without(labels, key)})


def _lesser_pods(pod: Pod) -> Iterator[Pod]:
    for key in pod.labels:
        yield msgspec.structs.replace(pod, labels=_without(pod.labels, key))
    for ports in _without_one(pod.named_ports):
        yield msgspec.structs.replace(pod, named_ports=tuple(ports))


def lessened(value: Any) -> Iterator[Any]:
    """A manifest without one of its fields or items, at any depth."""
    if isinstance(value, dict):
        yield from (_without(value, key) for key in value)
        for key, inner in value.items():
            yield from ({**value, key: lesser} for lesser in lessened(inner))
    elif isinstance(value, list):
        yield from _without_one(value)
        for index, inner in enumerate(value):
            yield from ([*value[:index], lesser, *value[index + 1 :]] for lesser in lessened(inner))


def _without_one(items: Any) -> Iterator[list[Any]]:
    return ([*items[:index], *items[index + 1 :]] for index in range(len(items)))


def _without(mapping: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def _with(items: tuple[Any, ...], index: int, item: Any) -> tuple[Any, ...]:
    return (*items[:index], item, *items[index + 1 :])
