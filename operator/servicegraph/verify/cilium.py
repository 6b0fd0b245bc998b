"""cilium.io/v2 CiliumNetworkPolicy, the subset of it that is modelled: what ServiceGraph writes, whoever wrote it.

Pods by endpoint selector, addresses, DNS names, the entities of hosts, and lookups of names, with ports. Of anything
else (denials, services, groups, HTTP, ICMP, authentication, policies of nodes) nobody here says what it allows.
https://docs.cilium.io/en/stable/security/policy/language/
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from servicegraph.model.policy import AddressPeer, Direction, EntityPeer, LookupPeer, NamePeer, PodPeer
from servicegraph.model.ports import PROTOCOLS, Protocol
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Requirement, Selector
from servicegraph.verify import ciliumwire as wire
from servicegraph.verify.policies import (
    CILIUM_KIND,
    FIRST_PORT,
    LAST_PORT,
    NetworkPolicy,
    PolicyPeer,
    PolicyPort,
    PolicyRule,
)
from servicegraph.verify.wire import IPBlock, LabelSelector
from servicegraph.verify.written import PolicyError, address_peer, convert, selector

API_VERSION = "cilium.io/v2"

_SOURCES = ("k8s:", "any:")
_POD_NAMESPACE = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
_RESERVED = ("reserved:", "io.cilium.", "io.kubernetes.")
_ENTITIES = frozenset(("host", "remote-node", "kube-apiserver"))
_ALL = "all"


def read(manifest: Mapping[str, Any], namespace: str | None = None) -> NetworkPolicy:
    """The policy of a manifest; `namespace` is for one that names none (`default`).

    Raises PolicyError for one that says something which is not modelled here, naming it.
    """
    found = convert(manifest, wire.Manifest, "")
    if (found.api_version, found.kind) != (API_VERSION, CILIUM_KIND):
        raise PolicyError(".kind", f"{found.api_version} {found.kind} is no {API_VERSION} {CILIUM_KIND}")
    if not found.metadata.name:
        raise PolicyError(".metadata.name", "it has no name: give it one")
    spec = found.spec
    return NetworkPolicy(
        namespace=found.metadata.namespace or namespace or "default",
        name=found.metadata.name,
        subject=_pods(spec.endpoint_selector, ".spec.endpointSelector"),
        directions=tuple(
            d for d, rules in ((Direction.INGRESS, spec.ingress), (Direction.EGRESS, spec.egress)) if rules
        ),
        ingress=_rules(spec.ingress or (), ".spec.ingress"),
        egress=_rules(spec.egress or (), ".spec.egress"),
        kind=CILIUM_KIND,
    )


def _rules(rules: Sequence[wire.IngressRule | wire.EgressRule], path: str) -> tuple[PolicyRule, ...]:
    """The rules of a direction. One that says nothing allows nothing, and isolates all the same."""
    if len(rules) == 1 and _is_nothing(rules[0]):
        return ()
    return tuple([_rule(rule, f"{path}[{index}]") for index, rule in enumerate(rules)])


def _is_nothing(rule: wire.IngressRule | wire.EgressRule) -> bool:
    return all(part is None for part in (rule.endpoints, rule.entities, rule.cidrs, rule.names, rule.ports))


def _rule(rule: wire.IngressRule | wire.EgressRule, path: str) -> PolicyRule:
    if _is_nothing(rule):
        raise PolicyError(path, "a rule that says nothing, beside others, is not modelled")
    peers = _peers(rule, path)
    if rule.ports is None:
        return PolicyRule(peers)
    looked_up = {ports.rules for ports in rule.ports}
    if len(looked_up) != 1 or not rule.ports:
        raise PolicyError(f"{path}.toPorts", "ports with and without rules for names in one rule are not modelled")
    (names,) = looked_up
    ports = tuple([port for index, of in enumerate(rule.ports) for port in _ports(of, f"{path}.toPorts[{index}]")])
    return PolicyRule(peers if names is None else _lookups(peers, names, path), ports)


def _peers(rule: wire.IngressRule | wire.EgressRule, path: str) -> tuple[PolicyPeer, ...] | None:
    """The peers, which are of one form; None for any peer at all."""
    said = [part for part in (rule.endpoints, rule.entities, rule.cidrs, rule.names) if part is not None]
    if not said:
        return None
    if len(said) > 1 or not said[0]:
        raise PolicyError(path, "peers of several forms in one rule, or an empty list of them, are not modelled")
    if rule.entities == (_ALL,):
        return None
    return (
        *(_endpoints(written, path) for written in rule.endpoints or ()),
        *(_entity(name, path) for name in rule.entities or ()),
        *(address_peer(IPBlock(c.cidr, c.except_), path) for c in rule.cidrs or ()),
        *(NamePeer(_name(name, path)) for name in rule.names or ()),
    )


def _entity(name: str, path: str) -> EntityPeer:
    if name not in _ENTITIES:
        raise PolicyError(path, f"the entity {name} is not modelled")
    return EntityPeer(name)  # type: ignore[arg-type]


def _lookups(peers: tuple[PolicyPeer, ...] | None, rules: wire.L7Rules, path: str) -> tuple[PolicyPeer, ...]:
    names = tuple([_name(name, path) for name in rules.dns])
    found = [LookupPeer(peer, names) for peer in peers or () if isinstance(peer, PodPeer | AddressPeer)]
    if not names or not found or len(found) != len(peers or ()):
        raise PolicyError(path, "rules for names are modelled for pods and addresses, with the names")
    return tuple(found)


def _name(written: wire.Name, path: str) -> str:
    name, pattern = written.match_name, written.match_pattern
    if (name is None) == (pattern is None) or not (name or pattern) or "*" in (name or ""):
        raise PolicyError(path, "a name is either a matchName or a matchPattern")
    if "**" in (pattern or ""):
        raise PolicyError(path, "a pattern with ** is not modelled: what it matches depends on Cilium's version")
    return (name or pattern or "").lower().rstrip(".")


def _ports(written: wire.Ports, path: str) -> Iterable[PolicyPort]:
    if not written.ports:
        raise PolicyError(path, "an empty list of ports is not modelled")
    for port in written.ports:
        protocols: Iterable[Protocol] = PROTOCOLS if port.protocol in (None, "ANY") else (_protocol(port.protocol),)
        if not port.port.isdecimal():
            raise PolicyError(path, f"the port {port.port!r} by its name is not modelled")
        start = int(port.port)
        end = port.end_port or start
        if not FIRST_PORT <= start <= end <= LAST_PORT:
            raise PolicyError(path, f"the ports {start} to {end} are not between 1 and 65535")
        yield from (PolicyPort(protocol, None, start, end) for protocol in protocols)


def _protocol(written: str | None) -> Protocol:
    return next(protocol for protocol in get_args(Protocol) if protocol == written)


def _pods(written: LabelSelector, path: str) -> Selector:
    """Pods of the policy's own namespace."""
    found = _without_source(written, path)
    for requirement in found.requirements:
        if requirement.key.startswith(_RESERVED):
            raise PolicyError(path, f"the label {requirement.key} is not modelled")
    return found


def _endpoints(written: LabelSelector, path: str) -> PodPeer:
    """Pods, of the policy's own namespace where the selector says nothing of namespaces."""
    pods: list[Requirement] = []
    namespaces: list[Requirement] = []
    anywhere = False
    for found in _without_source(written, path).requirements:
        if found.key == _POD_NAMESPACE and found.operator is Operator.EXISTS:
            anywhere = True
        elif found.key == _POD_NAMESPACE:
            namespaces.append(Requirement(NAMESPACE_LABEL, found.operator, found.values))
        elif found.key.startswith(_NAMESPACE_LABELS):
            namespaces.append(Requirement(found.key.removeprefix(_NAMESPACE_LABELS), found.operator, found.values))
        elif found.key.startswith(_RESERVED):
            raise PolicyError(path, f"the label {found.key} is not modelled")
        else:
            pods.append(found)
    if not namespaces and not anywhere:
        return PodPeer(Selector.of(pods))
    if not anywhere and not any((r.key, r.operator) == (NAMESPACE_LABEL, Operator.IN) for r in namespaces):
        raise PolicyError(path, f"labels of namespaces are modelled where some {_POD_NAMESPACE} is wanted, too")
    return PodPeer(Selector.of(pods), Selector.of(namespaces))


def _without_source(written: LabelSelector, path: str) -> Selector:
    """A selector of labels as Kubernetes has them: Cilium puts the source before the key."""
    labels = {_key(key): value for key, value in (written.match_labels or {}).items()}
    expressions = [
        type(expression)(_key(expression.key), expression.operator, expression.values)
        for expression in written.match_expressions or ()
    ]
    if len(labels) != len(written.match_labels or {}):
        raise PolicyError(path, "one label twice, from several sources, is not modelled")
    return selector(LabelSelector(labels, tuple(expressions)), path)


def _key(key: str) -> str:
    source = next((source for source in _SOURCES if key.startswith(source)), "")
    return key.removeprefix(source)
