"""Flows of one subject in their smallest, canonical form; policies that stay small enough (R12, R13)."""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter

import msgspec

from servicegraph.compiler.emit.cilium import form
from servicegraph.compiler.emit.names import policy_name
from servicegraph.model.policy import ANY_PEER, Direction, Engine, Flow, Origin, Peer, Policy, Rule
from servicegraph.model.ports import PortRange, merge_ranges, subtract_ranges

Ports = tuple[PortRange, ...]

_LARGEST = 200 * 1024
_PART = 100 * 1024
_RULE = 32
_PORT = 48


class _Grant(msgspec.Struct, frozen=True, gc=False):
    """All that one peer may use in one direction (`ports` None: every port), and the entries that say so.

    `key` is the peer as bytes: its place in the canonical order, and a measure of its size.
    """

    key: bytes
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
    size = _size(ingress) + _size(egress)
    parts = 1 if size <= _LARGEST else 1 << (-(-size // _PART) - 1).bit_length()
    assert policy.service is not None
    name = policy.service.name
    return tuple(
        msgspec.structs.replace(
            policy,
            name=policy_name(name, policy.subject, part, parts, policy.engine),
            ingress=_rules(allowed_in, policy.engine),
            egress=_rules(allowed_out, policy.engine),
            part=part,
            parts=parts,
        )
        for part, allowed_in, allowed_out in zip(
            range(parts), _split(ingress, parts), _split(egress, parts), strict=True
        )
    )


def _grants(flows: list[Flow]) -> list[_Grant]:
    """What the flows of one direction allow, each peer once; what any peer may use is not repeated for single ones."""
    first: dict[Peer, Flow] = {}
    more: dict[Peer, list[Flow]] = defaultdict(list)
    for flow in flows:
        if first.setdefault(flow.peer, flow) is not flow:
            more[flow.peer].append(flow)
    grants = [
        _merged(flow, more[peer]) if peer in more else _Grant(_key(peer), peer, flow.ports, (flow.origin,))
        for peer, flow in first.items()
    ]
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
            kept.append(_Grant(grant.key, grant.peer, left, grant.origins))
        else:
            origins += grant.origins
    return [*kept, _Grant(anyone.key, ANY_PEER, anyone.ports, origins)]


def _merged(first: Flow, more: list[Flow]) -> _Grant:
    flows = (first, *more)
    unlimited = tuple(flow.origin for flow in flows if flow.ports is None)
    if unlimited:
        return _Grant(_key(first.peer), first.peer, None, unlimited)
    ports = merge_ranges(tuple(port for flow in flows for port in flow.ports or ()))
    return _Grant(_key(first.peer), first.peer, ports, tuple(flow.origin for flow in flows))


def _size(grants: list[_Grant]) -> int:
    """About how many bytes these take as JSON, rather too many."""
    lists = {grant.ports or () for grant in grants}
    return sum(len(grant.key) for grant in grants) + sum(_RULE + _PORT * len(ports) for ports in lists)


def _split(grants: list[_Grant], parts: int) -> list[list[_Grant]]:
    if parts == 1:
        return [grants]
    found: list[list[_Grant]] = [[] for _ in range(parts)]
    for grant in grants:
        entry = min(str(origin) for origin in grant.origins)
        found[zlib.crc32(entry.encode()) % parts].append(grant)
    return found


def _rules(grants: list[_Grant], engine: Engine) -> tuple[Rule, ...]:
    """The rules of one direction: peers with the same ports share one, on Cilium only peers of one form."""
    together = form if engine is Engine.CILIUM else _any_form
    shared: dict[tuple[Ports | None, object], list[_Grant]] = defaultdict(list)
    for grant in sorted(grants, key=attrgetter("key")):
        shared[grant.ports, together(grant.peer)].append(grant)
    alike = sorted(
        ((ports, found) for (ports, _), found in shared.items()), key=lambda item: (item[0] or (), item[1][0].key)
    )
    return tuple(Rule(tuple([grant.peer for grant in found]), ports, _origins(found)) for ports, found in alike)


def _any_form(peer: Peer) -> object:
    return None


@lru_cache(maxsize=262_144)
def _key(peer: Peer) -> bytes:
    return msgspec.json.encode(peer)


def _origins(grants: list[_Grant]) -> tuple[Origin, ...]:
    by_text = {(origin.text, origin.graph): origin for grant in grants for origin in grant.origins}
    return tuple([by_text[text] for text in sorted(by_text)])
