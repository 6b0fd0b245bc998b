"""Flows of one subject in their smallest, canonical form; policies that stay small enough (R12, R13)."""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from servicegraph.compiler.emit.names import policy_name
from servicegraph.model.policy import AnyPeer, Direction, Flow, Origin, Peer, Policy, Rule
from servicegraph.model.ports import PortRange, merge_ranges, subtract_ranges

Ports = tuple[PortRange, ...]

_LARGEST = 200 * 1024
_PART = 100 * 1024


class _Gathered:
    """What one peer may use, and the entries that say so."""

    __slots__ = ("origins", "ports")

    def __init__(self) -> None:
        self.ports: list[PortRange] = []
        self.origins: dict[str, Origin] = {}


def rules_of(flows: Iterable[Flow]) -> tuple[Rule, ...]:
    """The rules of one direction: each peer stands in one rule, peers with the same ports share it.

    What any peer may use is not repeated for single ones.
    """
    gathered: dict[Peer, _Gathered] = {}
    unlimited: dict[str, Origin] = {}
    for flow in flows:
        if flow.ports is None:
            unlimited[str(flow.origin)] = flow.origin
            continue
        found = gathered.get(flow.peer)
        if found is None:
            found = gathered[flow.peer] = _Gathered()
        found.ports += flow.ports
        found.origins[str(flow.origin)] = flow.origin
    if unlimited:
        return (Rule((AnyPeer(),), None, _sorted(unlimited)),)
    anyone = gathered.pop(AnyPeer(), None)
    covered = merge_ranges(tuple(anyone.ports)) if anyone else ()
    shared: dict[Ports, list[Peer]] = defaultdict(list)
    origins: dict[Ports, dict[str, Origin]] = defaultdict(dict)
    for peer, found in gathered.items():
        ports = merge_ranges(tuple(found.ports))
        left = subtract_ranges(ports, covered) if covered else ports
        if left:
            shared[left].append(peer)
            origins[left].update(found.origins)
        elif anyone is not None:
            anyone.origins.update(found.origins)
    rules = [
        Rule(tuple(sorted(peers, key=peer_key)), ports, _sorted(origins[ports])) for ports, peers in shared.items()
    ]
    if anyone is not None:
        rules.append(Rule((AnyPeer(),), covered, _sorted(anyone.origins)))
    return tuple(sorted(rules, key=_rule_key))


def spread(policy: Policy, flows: Iterable[Flow]) -> tuple[Policy, ...]:
    """The policy with the rules of these flows, over as many objects as its size wants.

    A peer goes to a part by a hash of itself, so that one that changes touches one part, and the number of parts is
    a power of two, so that it seldom changes.
    """
    flows = tuple(flows)
    ingress = rules_of(f for f in flows if f.direction is Direction.INGRESS)
    egress = rules_of(f for f in flows if f.direction is Direction.EGRESS)
    size = sum(len(peer_key(peer)) for rule in (*ingress, *egress) for peer in rule.peers)
    parts = 1 if size <= _LARGEST else 1 << (-(-size // _PART) - 1).bit_length()
    assert policy.service is not None
    return tuple(
        msgspec.structs.replace(
            policy,
            name=policy_name(policy.service.name, policy.subject, part, parts),
            ingress=_part(ingress, part, parts),
            egress=_part(egress, part, parts),
            part=part,
            parts=parts,
        )
        for part in range(parts)
    )


def _part(rules: tuple[Rule, ...], part: int, parts: int) -> tuple[Rule, ...]:
    if parts == 1:
        return rules
    kept = []
    for rule in rules:
        peers = tuple(peer for peer in rule.peers if _hash(peer) % parts == part)
        if peers:
            kept.append(Rule(peers, rule.ports, rule.origins))
    return tuple(kept)


@lru_cache(maxsize=262_144)
def peer_key(peer: Peer) -> bytes:
    """A peer as bytes: its place in the canonical order, and a measure of its size."""
    return msgspec.json.encode(peer)


@lru_cache(maxsize=262_144)
def _hash(peer: Peer) -> int:
    return zlib.crc32(peer_key(peer))


def _rule_key(rule: Rule) -> tuple[Ports, bytes]:
    return (rule.ports or (), peer_key(rule.peers[0]))


def _sorted(origins: dict[str, Origin]) -> tuple[Origin, ...]:
    return tuple(origins[text] for text in sorted(origins))
