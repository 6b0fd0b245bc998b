"""CIDRs: canonical text, containment, and what is left when some are taken out."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
EVERYWHERE = ("0.0.0.0/0", "::/0")


@lru_cache(maxsize=65_536)
def network(cidr: str) -> Network:
    """The network of a CIDR in canonical form.

    Raises ValueError with a message that says what to write instead.
    """
    if "/" not in cidr:
        raise ValueError(f"{cidr!r} is not a CIDR: write an address and a prefix length, such as 10.20.0.0/16")
    try:
        found = ip_network(cidr, strict=False)
    except ValueError:
        raise ValueError(f"{cidr!r} is not a CIDR: write one such as 10.20.0.0/16 or 2001:db8::/32") from None
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and found.network_address.ipv4_mapped:
        raise ValueError(f"{cidr!r} maps IPv4 addresses into IPv6: write them as IPv4")
    if str(found) != cidr:
        raise ValueError(f"{cidr!r} is not in canonical form: write {found}")
    return found


def contains(outer: str, inner: str) -> bool:
    """Whether every address of `inner` is in `outer`."""
    a, b = network(outer), network(inner)
    if isinstance(a, IPv4Network):
        return isinstance(b, IPv4Network) and b.subnet_of(a)
    return isinstance(b, IPv6Network) and b.subnet_of(a)


def touches(one: str, other: str) -> bool:
    """Whether some address is in both."""
    a, b = network(one), network(other)
    return a.version == b.version and a.overlaps(b)


def canonical(address: str) -> str:
    """An address in canonical form, IPv4 where IPv6 only wraps it. Raises ValueError where it is none."""
    try:
        found = ip_address(address)
    except ValueError:
        raise ValueError(f"{address!r} is not an IP address") from None
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            raise ValueError(f"{address!r} is an address of one host's interface: leave out the zone")
        return str(found.ipv4_mapped or found)
    return str(found)


def single(address: str) -> str:
    """The CIDR of one address. Raises ValueError where it is none."""
    found = canonical(address)
    return f"{found}/128" if ":" in found else f"{found}/32"


def within(cidr: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Those of `candidates` that lie inside `cidr`, canonical and sorted, none inside another."""
    inside = sorted({c for c in candidates if contains(cidr, c)}, key=lambda c: (network(c).prefixlen, c))
    kept: list[str] = []
    for candidate in inside:
        if not any(contains(k, candidate) for k in kept):
            kept.append(candidate)
    return tuple(sorted(kept))
