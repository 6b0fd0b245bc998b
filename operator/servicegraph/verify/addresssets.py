"""Sets of addresses as intervals: what ipBlocks hold, and what is left of one when others are taken out."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import NamedTuple

from servicegraph.model.addresses import EVERYWHERE, Network, network
from servicegraph.model.policy import AddressPeer

Interval = tuple[int, int]
Intervals = tuple[Interval, ...]


class AddressSet(NamedTuple):
    """Addresses of both families: intervals with both ends, sorted, none touching another."""

    v4: Intervals = ()
    v6: Intervals = ()


@lru_cache(maxsize=65_536)
def of_peer(peer: AddressPeer) -> AddressSet:
    """The addresses of an ipBlock."""
    found = _of(peer.cidr)
    for cidr in peer.excluded:
        found = less(found, _of(cidr))
    return found


def everywhere() -> AddressSet:
    """Every address."""
    v4, v6 = (_of(cidr) for cidr in EVERYWHERE)
    return AddressSet(v4.v4, v6.v6)


def less(one: AddressSet, other: AddressSet) -> AddressSet:
    """Those of one that are not in the other."""
    return AddressSet(_less(one.v4, other.v4), _less(one.v6, other.v6))


def both(one: AddressSet, other: AddressSet) -> AddressSet:
    """Those in both."""
    return less(one, less(one, other))


def to_peers(addresses: AddressSet) -> tuple[AddressPeer, ...]:
    """The addresses as ipBlocks: for each family one with exceptions, or several without, whichever is shorter."""
    return (
        *_to_peers(addresses.v4, IPv4Address),
        *_to_peers(addresses.v6, IPv6Address),
    )


def _of(cidr: str) -> AddressSet:
    found = network(cidr)
    interval = ((int(found.network_address), int(found.broadcast_address)),)
    return AddressSet(v4=interval) if found.version == 4 else AddressSet(v6=interval)


def _less(one: Intervals, other: Intervals) -> Intervals:
    for first, last in other:
        one = (
            tuple(
                piece
                for start, end in one
                for piece in ((start, min(end, first - 1)), (max(start, last + 1), end))
                if piece[0] <= piece[1]
            )
            if any(start <= last and first <= end for start, end in one)
            else one
        )
    return one


def _to_peers(intervals: Intervals, family: type[IPv4Address] | type[IPv6Address]) -> tuple[AddressPeer, ...]:
    if not intervals:
        return ()
    pieces = _networks(intervals, family)
    hull = pieces[0]
    while not int(hull.broadcast_address) >= intervals[-1][1]:
        hull = hull.supernet()
    holes = _networks(_less(((int(hull.network_address), int(hull.broadcast_address)),), intervals), family)
    if 1 + len(holes) <= len(pieces):
        return (AddressPeer(str(hull), tuple(sorted(str(hole) for hole in holes))),)
    return tuple(AddressPeer(str(piece)) for piece in pieces)


def _networks(intervals: Intervals, family: type[IPv4Address] | type[IPv6Address]) -> list[Network]:
    found: list[Network] = []
    for start, end in intervals:
        found += summarize_address_range(family(start), family(end))
    return found
