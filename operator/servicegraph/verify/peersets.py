"""Sets of peers: what two of them have in common, and what is left of one without the other."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, get_args

from servicegraph.model.policy import EntityPeer, NamePeer
from servicegraph.model.selectors import Selector
from servicegraph.verify import addresssets, classes, dnsnames
from servicegraph.verify.addresssets import AddressSet


class LookupSet(NamedTuple):
    """Questions for these names to resolvers: a part of all that may be sent there."""

    where: Selector | AddressSet
    names: tuple[str, ...]


PeerSet = Selector | AddressSet | NamePeer | EntityPeer | LookupSet
"""A class of pods, a set of addresses, or hosts that are known as what they are: worlds that share nothing.

But for names: nobody knows their addresses, so every address together holds them, and fewer do not.
"""

Possible = Callable[[Selector], bool]
"""Whether some pod of some namespace can be of a class."""

ENTITIES = tuple(EntityPeer(name) for name in get_args(EntityPeer.__annotations__["entity"]))


def both(one: PeerSet, other: PeerSet, possible: Possible) -> PeerSet | None:
    """The peers in both, None where there are none."""
    match one, other:
        case Selector(), Selector():
            pods = classes.meet(one, other)
            return pods if possible(pods) else None
        case AddressSet(), AddressSet():
            addresses = addresssets.both(one, other)
            return addresses if any(addresses) else None
        case LookupSet(where, names), LookupSet(others, askable):
            return _asked(both(where, others, possible), dnsnames.both(names, askable))
        case (LookupSet(where, names), resolvers) | (resolvers, LookupSet(where, names)):
            return _asked(both(where, resolvers, possible), names)
        case NamePeer(first), NamePeer(second):
            return next((NamePeer(name) for name in dnsnames.both((first,), (second,))), None)
        case (NamePeer() as name, AddressSet() as held) | (AddressSet() as held, NamePeer() as name):
            return name if held == addresssets.everywhere() else None
        case _:
            return one if one == other else None


def less(one: PeerSet, other: PeerSet, possible: Possible) -> list[PeerSet]:
    """What is left of one without the other, which has something in common with it."""
    match one, other:
        case Selector(), Selector():
            return list(classes.less(one, other, possible))
        case AddressSet(), AddressSet():
            addresses = addresssets.less(one, other)
            return [addresses] if any(addresses) else []
        case LookupSet(where, names), LookupSet(others, askable):
            left = _asked(both(where, others, possible), dnsnames.less(names, askable))
            return [*_lookups(less(where, others, possible), names), *([left] if left else [])]
        case LookupSet(where, names), resolvers:
            return [*_lookups(less(where, resolvers, possible), names)]
        case (_, LookupSet()) | (AddressSet(), NamePeer()):
            return [one]
        case NamePeer(first), NamePeer(second):
            return [one] if dnsnames.less((first,), (second,)) else []
        case _:
            return []


def _asked(where: PeerSet | None, names: tuple[str, ...]) -> LookupSet | None:
    return LookupSet(where, names) if isinstance(where, Selector | AddressSet) and names else None


def _lookups(pieces: Iterable[PeerSet], names: tuple[str, ...]) -> Iterable[LookupSet]:
    return (found for piece in pieces if (found := _asked(piece, names)) is not None)
