"""The two things that are compared, in one shape: what the graphs declare, and what policies allow."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from servicegraph.model.policy import ANY_PEER, Declared, Direction, EntityPeer, Peer
from servicegraph.model.selectors import Selector
from servicegraph.verify import portsets
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.portsets import PortSet

Half = Mapping[Selector, Mapping[Peer, PortSet]]
"""Of one namespace and direction: the selectors that isolate pods, and what each allows those it selects.

What several selectors allow the same pod adds up, so that two halves with equal entries allow every pod the same,
whatever other selectors it meets.
"""

Side = Mapping[tuple[str, Direction], Half]

_Building = dict[tuple[str, Direction], dict[Selector, dict[Peer, PortSet]]]


def of_policies(policies: Iterable[NetworkPolicy]) -> Side:
    """What policies allow."""
    side: _Building = defaultdict(dict)
    for policy in policies:
        for direction in policy.directions:
            allowed = side[policy.namespace, direction].setdefault(policy.subject, {})
            for rule in policy.rules(direction):
                ports = portsets.of_rule(rule.ports)
                for peer in rule.peers or (ANY_PEER,):
                    _add(allowed, peer, ports)
    return _settled(side)


def of_declared(declared: Iterable[Declared]) -> Side:
    """What the graphs declare.

    In a namespace that is denied by default, a service that does not isolate a direction is open there (R18): what is
    denied is every other pod.
    """
    declared = list(declared)
    denied = {(d.namespace, direction) for d in declared if d.service is None for direction in d.isolated}
    side: _Building = defaultdict(dict)
    for said in declared:
        for direction in Direction:
            if direction in said.isolated:
                side[said.namespace, direction].setdefault(said.subject, {})
            elif (said.namespace, direction) in denied and said.service is not None:
                side[said.namespace, direction].setdefault(said.subject, {})[ANY_PEER] = portsets.ALL
        for flow in said.flows:
            if flow.direction in said.isolated:
                _add(side[said.namespace, flow.direction][said.subject], flow.peer, portsets.of_flow(flow.ports))
    return _settled(side)


def declare_entities(declared: Iterable[Declared]) -> bool:
    """Whether some graph speaks of hosts as Cilium knows them, as `name_entities` asks of policies."""
    return any(isinstance(flow.peer, EntityPeer) for said in declared for flow in said.flows)


def _add(allowed: dict[Peer, PortSet], peer: Peer, ports: PortSet) -> None:
    known = allowed.get(peer)
    allowed[peer] = ports if known is None or known == ports else portsets.union(known, ports)


def _settled(side: _Building) -> Side:
    """What any peer may use is said once, and not for single peers."""
    for half in side.values():
        for selector, allowed in half.items():
            anyone = allowed.get(ANY_PEER)
            if anyone is not None and len(allowed) > 1:
                left = {peer: portsets.less(ports, anyone) for peer, ports in allowed.items() if peer != ANY_PEER}
                half[selector] = {ANY_PEER: anyone, **{peer: ports for peer, ports in left.items() if ports}}
    return side
