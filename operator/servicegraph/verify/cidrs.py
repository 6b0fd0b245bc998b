"""CIDRs as the API server takes them, in the one form that model/addresses knows."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

_MAPPED = 96


@lru_cache(maxsize=65_536)
def block(written: str) -> str:
    """The canonical form of a CIDR of an ipBlock. Raises ValueError where it is none.

    Host bits and leading zeros are dropped, as Go's ParseCIDRSloppy does; IPv4 wrapped into IPv6 is IPv4.
    """
    address, slash, length = written.partition("/")
    if not slash:
        raise ValueError(f"{written!r} is not a CIDR: write an address and a prefix length, such as 10.20.0.0/16")
    if ":" not in address:
        address = ".".join(part.lstrip("0") or part[:1] for part in address.split("."))
    try:
        if not length.isdecimal():
            raise ValueError
        found: IPv4Network | IPv6Network = ip_network(f"{address}/{int(length)}", strict=False)
    except ValueError:
        raise ValueError(f"{written!r} is not a CIDR: write one such as 10.20.0.0/16 or 2001:db8::/32") from None
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED and found.network_address.ipv4_mapped:
        return str(IPv4Network((found.network_address.ipv4_mapped, found.prefixlen - _MAPPED)))
    return str(found)
