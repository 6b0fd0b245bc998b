"""networking.k8s.io/v1 NetworkPolicy as it is meant: read strictly, with every default of the API reference filled in.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/. What the API server refuses
is refused (k8s.io/kubernetes, pkg/apis/networking/validation), and so are fields it does not know: it would drop
them, and the rest would mean something else.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from servicegraph.model.addresses import contains
from servicegraph.model.names import is_label_key, is_label_value
from servicegraph.model.policy import AddressPeer, Direction, PodPeer
from servicegraph.model.ports import Protocol
from servicegraph.model.selectors import EVERYTHING, Operator, Requirement, Selector
from servicegraph.verify import wire
from servicegraph.verify.cidrs import block

API_VERSION = "networking.k8s.io/v1"
KIND = "NetworkPolicy"
FIRST_PORT, LAST_PORT = 1, 65535

_T = TypeVar("_T")

_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9])*\Z")
_LONGEST_PORT_NAME = 15

PolicyPeer = PodPeer | AddressPeer


class PolicyError(ValueError):
    """What the API server would refuse. `path` is the JSON path into the manifest."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message

    def __str__(self) -> str:
        return f"{self.path or '.'}: {self.message}"


class PolicyKey(NamedTuple):
    """A NetworkPolicy by namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class PolicyPort(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """Ports of a pod: a name, or the numbers `start` to `end`, both included (all of them where no port is said)."""

    protocol: Protocol
    name: str | None = None
    start: int = FIRST_PORT
    end: int = LAST_PORT


class PolicyRule(msgspec.Struct, frozen=True, gc=False):
    """Peers and ports that are allowed together. None, never empty: any peer, every port of every protocol."""

    peers: tuple[PolicyPeer, ...] | None = None
    ports: tuple[PolicyPort, ...] | None = None


class NetworkPolicy(msgspec.Struct, frozen=True):
    """A policy. Rules of a direction that `directions` leaves out have no effect and are not kept.

    A peer's `namespaces` is None for the policy's own namespace. Rules, peers and ports keep their places, so that
    `ingress[0].from[1]` names the same thing here and in the manifest.
    """

    namespace: str
    name: str
    subject: Selector = EVERYTHING
    directions: tuple[Direction, ...] = (Direction.INGRESS,)
    ingress: tuple[PolicyRule, ...] = ()
    egress: tuple[PolicyRule, ...] = ()

    @property
    def key(self) -> PolicyKey:
        """What it is called."""
        return PolicyKey(self.namespace, self.name)

    def rules(self, direction: Direction) -> tuple[PolicyRule, ...]:
        """The rules of one direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress


def read(manifest: Mapping[str, Any], namespace: str | None = None) -> NetworkPolicy:
    """The policy of a manifest; `namespace` is for one that names none (`default`). Raises PolicyError."""
    found = _convert(manifest, wire.Manifest, "")
    if (found.api_version, found.kind) != (API_VERSION, KIND):
        raise PolicyError(".kind", f"{found.api_version} {found.kind} is no {API_VERSION} {KIND}")
    if not found.metadata.name:
        raise PolicyError(".metadata.name", "it has no name: give it one")
    return _policy(found.metadata.namespace or namespace or "default", found.metadata.name, found.spec or wire.Spec())


def of_spec(namespace: str, name: str, spec: Mapping[str, Any]) -> NetworkPolicy:
    """The policy of that name with this `spec`. Raises PolicyError."""
    return _policy(namespace, name, _convert(spec, wire.Spec, ".spec"))


def _convert(value: Mapping[str, Any], shape: type[_T], at: str) -> _T:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        inner = path.removeprefix("key` in `").rstrip("`").removeprefix("$")
        raise PolicyError(at + inner, message) from None


def _policy(namespace: str, name: str, spec: wire.Spec) -> NetworkPolicy:
    directions = _directions(spec)
    return NetworkPolicy(
        namespace=namespace,
        name=name,
        subject=_selector(spec.pod_selector, ".spec.podSelector"),
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
        return _address_peer(peer.ip_block, f"{path}.ipBlock")
    pods = _selector(peer.pod_selector, f"{path}.podSelector")
    if peer.namespace_selector is None:
        return PodPeer(pods)
    return PodPeer(pods, _selector(peer.namespace_selector, f"{path}.namespaceSelector"))


def _address_peer(written: wire.IPBlock, path: str) -> AddressPeer:
    cidr = _cidr(written.cidr, f"{path}.cidr")
    excluded = []
    for index, exception in enumerate(written.except_ or ()):
        at = f"{path}.except[{index}]"
        inner = _cidr(exception, at)
        if inner == cidr or not contains(cidr, inner):
            raise PolicyError(at, f"{exception} must be a strict subset of {written.cidr}")
        excluded.append(inner)
    return AddressPeer(cidr, tuple(sorted(set(excluded))))


def _cidr(written: str, path: str) -> str:
    try:
        return block(written)
    except ValueError as error:
        raise PolicyError(path, str(error)) from None


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


def _selector(written: wire.LabelSelector | None, path: str) -> Selector:
    if written is None:
        return EVERYTHING
    if not written.match_expressions:
        try:
            return _labels(tuple((written.match_labels or {}).items()))
        except ValueError as error:
            raise PolicyError(f"{path}.matchLabels", str(error)) from None
    found = list(_selector(wire.LabelSelector(written.match_labels), path).requirements)
    for index, expression in enumerate(written.match_expressions):
        at = f"{path}.matchExpressions[{index}]"
        operator, values = Operator(expression.operator), tuple(sorted(set(expression.values or ())))
        if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
            wanted = "must be specified" if not values else "may not be specified"
            raise PolicyError(f"{at}.values", f"{wanted} when `operator` is {operator.value}")
        try:
            for value in values or ("",):
                _check(expression.key, value)
        except ValueError as error:
            raise PolicyError(at, str(error)) from None
        found.append(Requirement(expression.key, operator, values))
    return Selector.of(found)


@lru_cache(maxsize=65_536)
def _labels(labels: tuple[tuple[str, str], ...]) -> Selector:
    for key, value in labels:
        _check(key, value)
    return Selector.from_labels(dict(labels))


def _check(key: str, value: str) -> None:
    if not is_label_key(key):
        raise ValueError(f"{key!r} is not the key of a label")
    if not is_label_value(value):
        raise ValueError(f"{value!r} is not the value of a label")
