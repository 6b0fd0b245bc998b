"""The spec of a networking.k8s.io/v1 NetworkPolicy.

`podSelector`, `policyTypes`, `ingress` and `egress` are always stated, `[]` when empty: under server-side apply a
field left out is a field others can open (R1). A rule without `from` or `to` stands only for any peer at all (R5).
https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from servicegraph.model.policy import (
    ANY_PEER,
    AddressPeer,
    AnyPeer,
    Direction,
    EntityPeer,
    LookupPeer,
    NamePeer,
    Peer,
    PodPeer,
    Policy,
    Rule,
)
from servicegraph.model.ports import PortRange

API_VERSION = "networking.k8s.io/v1"
KIND = "NetworkPolicy"


def spec_of(policy: Policy, allow_all: Collection[Direction] = ()) -> dict[str, Any]:
    """The `spec`; `allow_all` are directions to leave open. Raises ValueError for a peer that it cannot express."""
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
        case NamePeer() | EntityPeer() | LookupPeer():
            raise ValueError(f"a NetworkPolicy cannot say {peer}")
        case AnyPeer():
            raise ValueError("any peer is a rule without peers")


def _port(port: PortRange) -> dict[str, Any]:
    written: dict[str, Any] = {"protocol": port.protocol, "port": port.start}
    if port.end > port.start:
        written["endPort"] = port.end
    return written
