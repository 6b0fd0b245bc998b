"""The spec of a cilium.io/v2 CiliumNetworkPolicy.

A direction that is isolated is stated, `[{}]` when nothing is allowed; one that is not is left out, since Cilium
isolates what has a section (https://docs.cilium.io/en/stable/security/policy/intro/). The peers of a rule have one
form, because a Cilium rule has one kind of peer.
https://docs.cilium.io/en/stable/security/policy/language/
"""

from collections.abc import Collection, Sequence
from typing import Any

from servicegraph.model.policy import (
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
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Requirement, Selector

API_VERSION = "cilium.io/v2"
KIND = "CiliumNetworkPolicy"

_POD_LABEL = "k8s:"
_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_NAMESPACE_LABEL = "k8s:io.cilium.k8s.namespace.labels."
_MOST_PORTS = 40
"""The API takes no more in one list of ports."""


def form(peer: Peer) -> object:
    """What peers of one rule have in common: their type, and for a resolver the names and its type too."""
    return (type(peer.resolver), peer.names) if isinstance(peer, LookupPeer) else type(peer)


def spec_of(policy: Policy, allow_all: Collection[Direction] = ()) -> dict[str, Any]:
    """The `spec`; `allow_all` are directions to leave open."""
    sides = {Direction.INGRESS: ("ingress", "from", policy.ingress), Direction.EGRESS: ("egress", "to", policy.egress)}
    spec: dict[str, Any] = {"endpointSelector": _prefixed(policy.subject).to_dict()}
    for direction in policy.directions:
        field, side, rules = sides[direction]
        if direction in allow_all:
            spec[field] = [{f"{side}Entities": ["all"]}]
        else:
            spec[field] = [_rule(rule, side) for rule in rules] or [{}]
    return spec


def _rule(rule: Rule, side: str) -> dict[str, Any]:
    written = _peers(rule.peers, side)
    if rule.ports is None:
        return written or {f"{side}Entities": ["all"]}
    written["toPorts"] = [{"ports": [_port(port) for port in ports]} for ports in _chunks(rule.ports)]
    first = rule.peers[0]
    if isinstance(first, LookupPeer):
        for ports in written["toPorts"]:
            ports["rules"] = {"dns": [_name(name) for name in first.names]}
    return written


def _chunks(ports: tuple[PortRange, ...]) -> list[tuple[PortRange, ...]]:
    return [ports[start : start + _MOST_PORTS] for start in range(0, len(ports), _MOST_PORTS)]


def _peers(peers: Sequence[Peer], side: str) -> dict[str, Any]:
    """Peers of one form; none for any peer at all."""
    match peers[0]:
        case AnyPeer():
            return {}
        case LookupPeer():
            return _peers([peer.resolver for peer in peers if isinstance(peer, LookupPeer)], side)
        case PodPeer():
            return {f"{side}Endpoints": [_endpoint(peer) for peer in peers if isinstance(peer, PodPeer)]}
        case AddressPeer():
            return {f"{side}CIDRSet": [_cidr(peer) for peer in peers if isinstance(peer, AddressPeer)]}
        case NamePeer():
            return {f"{side}FQDNs": [_name(peer.pattern) for peer in peers if isinstance(peer, NamePeer)]}
        case EntityPeer():
            return {f"{side}Entities": [peer.entity for peer in peers if isinstance(peer, EntityPeer)]}


def _endpoint(peer: PodPeer) -> dict[str, Any]:
    """A selector of endpoints: without a word about namespaces it means the policy's own."""
    pods = _prefixed(peer.pods)
    chosen = pods if peer.namespaces is None else pods.both(_namespaces(peer.namespaces))
    return chosen.to_dict()


def _prefixed(pods: Selector) -> Selector:
    return Selector.of(Requirement(f"{_POD_LABEL}{r.key}", r.operator, r.values) for r in pods.requirements)


def without_prefix(pods: Selector) -> Selector:
    """The selector of pods that an endpoint selector of ours was written from."""
    return Selector.of(Requirement(r.key.removeprefix(_POD_LABEL), r.operator, r.values) for r in pods.requirements)


def _namespaces(selector: Selector) -> Selector:
    """Labels of namespaces as Cilium puts them on endpoints.

    Where no name is wanted, some name is: hosts and addresses outside have none, and would match what only excludes.
    https://github.com/cilium/cilium/issues/46949
    """
    written = [Requirement(_namespace_key(r.key), r.operator, r.values) for r in selector.requirements]
    if not any((r.key, r.operator) == (_NAMESPACE, Operator.IN) for r in written):
        written.append(Requirement(_NAMESPACE, Operator.EXISTS))
    return Selector.of(written)


def _namespace_key(key: str) -> str:
    return _NAMESPACE if key == NAMESPACE_LABEL else f"{_NAMESPACE_LABEL}{key}"


def _cidr(peer: AddressPeer) -> dict[str, Any]:
    return {"cidr": peer.cidr, "except": list(peer.excluded)} if peer.excluded else {"cidr": peer.cidr}


def _name(pattern: str) -> dict[str, str]:
    return {"matchPattern": pattern} if "*" in pattern else {"matchName": pattern}


def _port(port: PortRange) -> dict[str, Any]:
    written: dict[str, Any] = {"port": str(port.start), "protocol": port.protocol}
    if port.end > port.start:
        written["endPort"] = port.end
    return written
