"""Connections that were observed, counted by who talked to whom: identities, not pods, and no clock."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from servicegraph.model.ports import Protocol

MOST_ADDRESSES = 10_000
"""Addresses outside the cluster that are told apart; all further ones count as one, so that memory is bounded."""


class FlowEnd(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """An end of a connection: pods alike, or what is no pod.

    Pods have a `namespace`, labels, and perhaps the `kind` and `name` of their workload. Others have an `entity`
    (world, remote-node, kube-apiserver), an `address`, and perhaps DNS `names`; `entities` is all that they are to
    Cilium, since a node with an API server is both.
    """

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    kind: str = ""
    name: str = ""
    entity: str = ""
    address: str = ""
    names: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """What is no pod by its first name, else by its address; empty where neither is known."""
        return self.names[0] if self.names else self.address

    @property
    def is_pod(self) -> bool:
        """Whether it is pods."""
        return bool(self.namespace)


class FlowKey(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """Who calls whom; the port is the one of the destination."""

    source: FlowEnd
    destination: FlowEnd
    protocol: Protocol
    port: int


class Observed(msgspec.Struct, frozen=True):
    """One flow that says that somebody opens or uses a connection. `inbound`: it was seen where it arrived."""

    key: FlowKey
    passed: bool
    inbound: bool


class Lost(msgspec.Struct, frozen=True):
    """Flows that nobody will see: Hubble had no room for them."""

    flows: int


class Count(msgspec.Struct):
    """How often, at either end: both report the same connection."""

    passed_out: int = 0
    passed_in: int = 0
    dropped_out: int = 0
    dropped_in: int = 0

    @property
    def passed(self) -> bool:
        """Whether it got through: what left one end may still have been dropped at the other."""
        return self.passed_in > 0 or (self.passed_out > 0 and self.dropped_in == 0)

    @property
    def times(self) -> int:
        """How often it was seen."""
        return max(self.passed_out, self.passed_in) if self.passed else max(self.dropped_out, self.dropped_in)

    def add(self, observed: Observed) -> None:
        """Count one more."""
        if observed.passed:
            if observed.inbound:
                self.passed_in += 1
            else:
                self.passed_out += 1
        elif observed.inbound:
            self.dropped_in += 1
        else:
            self.dropped_out += 1


class Flows(msgspec.Struct, frozen=True):
    """What was observed: connections with their counts, how many flows were read, and why some say nothing.

    `lost` are those that Hubble says it lost.
    """

    calls: Mapping[FlowKey, Count]
    read: int
    left_out: Mapping[str, int]
    lost: int = 0


def tally(found: Iterable[Observed | Lost | str], most: int = MOST_ADDRESSES) -> Flows:
    """Flows counted by key; a text says why one counts for nothing."""
    calls: dict[FlowKey, Count] = {}
    left_out: Counter[str] = Counter()
    addresses: set[str] = set()
    read = lost = 0
    for item in found:
        if isinstance(item, Lost):
            lost += item.flows
            continue
        read += 1
        if isinstance(item, str):
            left_out[item] += 1
            continue
        count = calls.get(item.key)
        if count is None:
            count = calls.setdefault(_bounded(item.key, addresses, most), Count())
        count.add(item)
    return Flows(calls, read, dict(sorted(left_out.items())), lost)


def _bounded(key: FlowKey, addresses: set[str], most: int) -> FlowKey:
    """The key, without an address that is one too many."""
    return FlowKey(
        _known(key.source, addresses, most), _known(key.destination, addresses, most), key.protocol, key.port
    )


def _known(end: FlowEnd, addresses: set[str], most: int) -> FlowEnd:
    if not end.address or end.address in addresses:
        return end
    if len(addresses) >= most:
        return FlowEnd(entity=end.entity, entities=end.entities)
    addresses.add(end.address)
    return end
