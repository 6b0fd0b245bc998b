"""Flows of one subject in their smallest, canonical form; policies that stay small enough (R12, R13)."""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from servicegraph.compiler.emit.names import policy_name
from servicegraph.model.policy import ANY_PEER, Direction, Flow, Origin, Peer, Policy, Rule
from servicegraph.model.ports import PortRange, merge_ranges, subtract_ranges

Ports = tuple[PortRange, ...]

_LARGEST = 200 * 1024
_PART = 100 * 1024


class _Grant(msgspec.Struct, frozen=True, gc=False):
    """All that one peer may use in one direction (`ports` None: every port), and the entries that say so."""

    peer: Peer
    ports: Ports | None
    origins: tuple[Origin, ...]


def spread(policy: Policy, flows: Iterable[Flow]) -> tuple[Policy, ...]:
    """The policy with the rules of these flows, over as many objects as its size wants.

    What one entry allows goes to a part by a hash of the entry, so that a caller whose labels change touches one
    part, and the number of parts is a power of two, so that it seldom changes.
    """
    flows = tuple(flows)
    ingress = _grants([f for f in flows if f.direction is Direction.INGRESS])
    egress = _grants([f for f in flows if f.direction is Direction.EGRESS])
    size = sum(len(_peer_key(grant.peer)) for side in (ingress, egress) for grant in side)
    parts = 1 if size <= _LARGEST else 1 << (-(-size // _PART) - 1).bit_length()
    assert policy.service is not None
    name = policy.service.name
    return tuple(
        msgspec.structs.replace(
            policy,
            name=policy_name(name, policy.subject, part, parts),
            ingress=_rules(allowed_in),
            egress=_rules(allowed_out),
            part=part,
            parts=parts,
        )
        for part, allowed_in, allowed_out in zip(
            range(parts), _split(ingress, parts), _split(egress, parts), strict=True
        )
    )


def _grants(flows: list[Flow]) -> list[_Grant]:
    """What the flows of one direction allow, each peer once; what any peer may use is not repeated for single ones."""
    by_peer: dict[Peer, list[Flow]] = {}
    for flow in flows:
        by_peer.setdefault(flow.peer, []).append(flow)
    grants = [_grant(peer, found) for peer, found in by_peer.items()]
    anyone = next((grant for grant in grants if grant.peer == ANY_PEER), None)
    if anyone is None:
        return grants
    if anyone.ports is None:
        return [anyone]
    origins = anyone.origins
    kept = []
    for grant in grants:
        left = subtract_ranges(grant.ports or (), anyone.ports)
        if left:
            kept.append(_Grant(grant.peer, left, grant.origins))
        else:
            origins += grant.origins
    return [*kept, _Grant(ANY_PEER, anyone.ports, origins)]


def _grant(peer: Peer, flows: list[Flow]) -> _Grant:
    if len(flows) == 1:
        (flow,) = flows
        return _Grant(peer, flow.ports, (flow.origin,))
    unlimited = tuple(flow.origin for flow in flows if flow.ports is None)
    if unlimited:
        return _Grant(peer, None, unlimited)
    ports = merge_ranges(tuple(port for flow in flows for port in flow.ports or ()))
    return _Grant(peer, ports, tuple(flow.origin for flow in flows))


def _split(grants: list[_Grant], parts: int) -> list[list[_Grant]]:
    if parts == 1:
        return [grants]
    found: list[list[_Grant]] = [[] for _ in range(parts)]
    for grant in grants:
        entry = min(str(origin) for origin in grant.origins)
        found[zlib.crc32(entry.encode()) % parts].append(grant)
    return found


def _rules(grants: list[_Grant]) -> tuple[Rule, ...]:
    """The rules of one direction: peers with the same ports share one."""
    shared: dict[Ports | None, list[_Grant]] = defaultdict(list)
    for grant in grants:
        shared[grant.ports].append(grant)
    rules = [
        Rule(
            tuple(sorted([grant.peer for grant in alike], key=_peer_key)),
            ports,
            _sorted(origin for grant in alike for origin in grant.origins),
        )
        for ports, alike in shared.items()
    ]
    return tuple(sorted(rules, key=_rule_key))


@lru_cache(maxsize=262_144)
def _peer_key(peer: Peer) -> bytes:
    """A peer as bytes: its place in the canonical order, and a measure of its size."""
    return msgspec.json.encode(peer)


def _rule_key(rule: Rule) -> tuple[Ports, bytes]:
    return (rule.ports or (), _peer_key(rule.peers[0]))


def _sorted(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    by_text = {(str(origin.graph), origin.text): origin for origin in origins}
    return tuple(by_text[text] for text in sorted(by_text))
