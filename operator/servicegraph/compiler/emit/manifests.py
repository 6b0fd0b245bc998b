"""Policies as the objects that are written: what every kind has in common, and the spec of its engine."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from servicegraph.compiler.emit import cilium, kubernetes
from servicegraph.compiler.emit.names import (
    DRAINING_ANNOTATION,
    GRAPH_LABEL,
    HASH_ANNOTATION,
    LISTENING_ANNOTATION,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    SERVICE_LABEL,
    digest,
    label_value,
)
from servicegraph.model.policy import Direction, Engine, Policy, PolicyKind

_Spec = Callable[[Policy, Collection[Direction]], dict[str, Any]]
_SPECS: dict[Engine, _Spec] = {Engine.NETWORK_POLICY: kubernetes.spec_of, Engine.CILIUM: cilium.spec_of}
_TYPES = {
    Engine.NETWORK_POLICY: (kubernetes.API_VERSION, kubernetes.KIND),
    Engine.CILIUM: (cilium.API_VERSION, cilium.KIND),
}


def manifest(policy: Policy, allow_all: Collection[Direction] = ()) -> dict[str, Any]:
    """The complete object, but for its owners.

    `allow_all` are directions to leave open: on a subject that nothing isolates yet, the first part of a policy
    spread over several lets everything pass until the last part is accepted (R13).
    Raises ValueError for a peer that the policy's engine cannot express.
    """
    api_version, kind = _TYPES[policy.engine]
    spec = spec_of(policy, allow_all)
    annotations = {HASH_ANNOTATION: digest(spec, 32)}
    if policy.kind is PolicyKind.SERVICE:
        annotations[LISTENING_ANNOTATION] = msgspec.json.encode(policy.listening).decode()
        if policy.drained:
            annotations[DRAINING_ANNOTATION] = msgspec.json.encode(policy.drained).decode()
    labels = {MANAGED_BY_LABEL: MANAGED_BY, GRAPH_LABEL: label_value(policy.graph.name)}
    if policy.service is not None:
        labels[SERVICE_LABEL] = label_value(policy.service.name)
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": policy.name,
            "namespace": policy.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": spec,
    }


def spec_of(policy: Policy, allow_all: Collection[Direction] = ()) -> dict[str, Any]:
    """The `spec` of the object."""
    return _SPECS[policy.engine](policy, allow_all)
