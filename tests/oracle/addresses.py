"""Addresses worth asking about: those beside the borders of a block."""

from ipaddress import ip_network
from typing import Any


def blocks(manifests: Any) -> set[str]:
    """Every CIDR in manifests."""
    if isinstance(manifests, dict):
        own = {manifests["cidr"], *(manifests.get("except") or ())} if "cidr" in manifests else set()
        return own.union(*map(blocks, manifests.values()))
    return set().union(*map(blocks, manifests)) if isinstance(manifests, list | tuple) else set()


def borders(cidr: str) -> list[str]:
    """The first and the last address of a block, and those before and after it."""
    block = ip_network(cidr, strict=False)
    first, last = block.network_address, block.broadcast_address
    numbers = {(int(end) + step) % 2**block.max_prefixlen for end in (first, last) for step in (-1, 0, 1)}
    return [str(type(first)(number)) for number in sorted(numbers)]
