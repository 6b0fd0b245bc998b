"""networking.k8s.io/v1 NetworkPolicy, with every default of the API reference filled in.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from servicegraph.model.policy import Direction, PodPeer
from servicegraph.verify import wire
from servicegraph.verify.policies import FIRST_PORT, KIND, LAST_PORT, NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule
from servicegraph.verify.written import PolicyError, address_peer, convert, selector

API_VERSION = "networking.k8s.io/v1"

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9])*\Z")
_LONGEST_PORT_NAME = 15


def read(manifest: Mapping[str, Any], namespace: str | None = None) -> NetworkPolicy:
    """The policy of a manifest; `namespace` is for one that names none (`default`). Raises PolicyError."""
    found = convert(manifest, wire.Manifest, "")
    if (found.api_version, found.kind) != (API_VERSION, KIND):
        raise PolicyError(".kind", f"{found.api_version} {found.kind} is no {API_VERSION} {KIND}")
    if not found.metadata.name:
        raise PolicyError(".metadata.name", "it has no name: give it one")
    return _policy(found.metadata.namespace or namespace or "default", found.metadata.name, found.spec or wire.Spec())


def of_spec(namespace: str, name: str, spec: Mapping[str, Any]) -> NetworkPolicy:
    """The policy of that name with this `spec`. Raises PolicyError."""
    return _policy(namespace, name, convert(spec, wire.Spec, ".spec"))


def _policy(namespace: str, name: str, spec: wire.Spec) -> NetworkPolicy:
    directions = _directions(spec)
    return NetworkPolicy(
        namespace=namespace,
        name=name,
        subject=selector(spec.pod_selector, ".spec.podSelector"),
        directions=directions,
        ingress=_kept(_rules(spec.ingress, ".spec.ingress", "from"), Direction.INGRESS, directions),
        egress=_kept(_rules(spec.egress, ".spec.egress", "to"), Direction.EGRESS, directions),
    )


def _kept(
    rules: tuple[PolicyRule, ...], direction: Direction, directions: tuple[Direction, ...]
) -> tuple[PolicyRule, ...]:
    return rules if direction in directions else ()


def _directions(spec: wire.Spec) -> tuple[Direction, ...]:
    """policyTypes; where it says none, Ingress, and Egress too where there are egress rules."""
    said = spec.policy_types
    if not said:
        return (Direction.INGRESS, Direction.EGRESS) if spec.egress else (Direction.INGRESS,)
    if len(said) > len(Direction):
        raise PolicyError(".spec.policyTypes", "it may not specify more than two policyTypes")
    return tuple(direction for direction in Direction if direction.value in said)


def _rules(
    rules: Sequence[wire.IngressRule | wire.EgressRule | None] | None, path: str, side: str
) -> tuple[PolicyRule, ...]:
    found = []
    for index, rule in enumerate(rules or ()):
        at = f"{path}[{index}]"
        peers, ports = (rule.peers, rule.ports) if rule else (None, None)
        found.append(
            PolicyRule(
                tuple([_peer(peer, f"{at}.{side}[{n}]") for n, peer in enumerate(peers)]) if peers else None,
                tuple([_port(port, f"{at}.ports[{n}]") for n, port in enumerate(ports)]) if ports else None,
            )
        )
    return tuple(found)


def _peer(peer: wire.Peer | None, path: str) -> PolicyPeer:
    if peer is None or (peer.pod_selector is None and peer.namespace_selector is None and peer.ip_block is None):
        raise PolicyError(path, "must specify a peer: podSelector, namespaceSelector or ipBlock ({} selects all)")
    if peer.ip_block is not None:
        if peer.pod_selector is not None or peer.namespace_selector is not None:
            raise PolicyError(path, "may not specify both ipBlock and another peer")
        return address_peer(peer.ip_block, f"{path}.ipBlock")
    pods = selector(peer.pod_selector, f"{path}.podSelector")
    if peer.namespace_selector is None:
        return PodPeer(pods)
    return PodPeer(pods, selector(peer.namespace_selector, f"{path}.namespaceSelector"))


def _port(port: wire.Port | None, path: str) -> PolicyPort:
    if port is None:
        return PolicyPort("TCP")
    protocol, start, end = port.protocol or "TCP", port.port, port.end_port
    if start is None:
        if end is not None:
            raise PolicyError(f"{path}.endPort", "may not be specified when `port` is not specified")
        return PolicyPort(protocol)
    if isinstance(start, str):
        if end is not None:
            raise PolicyError(f"{path}.endPort", "may not be specified when `port` is non-numeric")
        if not _PORT_NAME.match(start) or len(start) > _LONGEST_PORT_NAME:
            hint = "; write the number without quotes" if start.isdigit() else ""
            raise PolicyError(f"{path}.port", f"{start!r} is not the name of a port{hint}")
        return PolicyPort(protocol, start, 0, 0)
    if not FIRST_PORT <= start <= LAST_PORT:
        raise PolicyError(f"{path}.port", f"{start} is not between 1 and 65535")
    if end is None:
        end = start
    elif end < start:
        raise PolicyError(f"{path}.endPort", f"{end} must be greater than or equal to `port`, {start}")
    elif end > LAST_PORT:
        raise PolicyError(f"{path}.endPort", f"{end} is not between 1 and 65535")
    return PolicyPort(protocol, None, start, end)
