"""Policies as networking.k8s.io/v1 NetworkPolicy objects.

`podSelector`, `policyTypes`, `ingress` and `egress` are always stated, `[]` when empty: under server-side apply a
field left out is a field others can open (R1). A rule without `from` or `to` stands only for any peer at all (R5).
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import msgspec

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
from servicegraph.model.policy import (
    ANY_PEER,
    AddressPeer,
    AnyPeer,
    Direction,
    NamePeer,
    Peer,
    PodPeer,
    Policy,
    PolicyKind,
    Rule,
)
from servicegraph.model.ports import PortRange

API_VERSION = "networking.k8s.io/v1"
KIND = "NetworkPolicy"


def manifest(policy: Policy, allow_all: Collection[Direction] = ()) -> dict[str, Any]:
    """The complete object, but for its owners.

    `allow_all` are directions to leave open: on a subject that nothing isolates yet, the first part of a policy
    spread over several lets everything pass until the last part is accepted (R13).
    Raises ValueError for a peer that a NetworkPolicy cannot express.
    """
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
        "apiVersion": API_VERSION,
        "kind": KIND,
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
    return {
        "podSelector": policy.subject.to_dict(),
        "policyTypes": [direction.value for direction in policy.directions],
        "ingress": _rules(policy.ingress, "from", Direction.INGRESS in allow_all),
        "egress": _rules(policy.egress, "to", Direction.EGRESS in allow_all),
    }


def _rules(rules: tuple[Rule, ...], side: str, allow_all: bool) -> list[dict[str, Any]]:
    if allow_all:
        return [{}]
    return [_rule(rule, side) for rule in rules]


def _rule(rule: Rule, side: str) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if ANY_PEER not in rule.peers:
        written[side] = [_peer(peer) for peer in rule.peers]
    if rule.ports is not None:
        written["ports"] = [_port(port) for port in rule.ports]
    return written


@lru_cache(maxsize=262_144)
def _peer(peer: Peer) -> dict[str, Any]:
    match peer:
        case PodPeer(pods, namespaces):
            inside = {} if namespaces is None else {"namespaceSelector": namespaces.to_dict()}
            return {**inside, "podSelector": pods.to_dict()}
        case AddressPeer(cidr, excluded):
            return {"ipBlock": {"cidr": cidr, "except": list(excluded)} if excluded else {"cidr": cidr}}
        case NamePeer(pattern):
            raise ValueError(f"a NetworkPolicy cannot say the DNS name {pattern}")
        case AnyPeer():
            raise ValueError("any peer is a rule without peers")


def _port(port: PortRange) -> dict[str, Any]:
    written: dict[str, Any] = {"protocol": port.protocol, "port": port.start}
    if port.end > port.start:
        written["endPort"] = port.end
    return written
