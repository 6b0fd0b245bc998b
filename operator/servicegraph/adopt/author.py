"""Writes the calls of parts: from whom a workload was seen to mean, to the entries of a graph."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from servicegraph.adopt.draft import DraftEntry
from servicegraph.adopt.found import Place
from servicegraph.adopt.parts import Part
from servicegraph.adopt.ports import of_service, reached, through, written_port, written_ports
from servicegraph.adopt.targets import (
    APIServerTarget,
    Meaning,
    OutsideTarget,
    PartTarget,
    PlaceTarget,
    PodsTarget,
    ServiceTarget,
    Target,
)
from servicegraph.adopt.ways import Caller, on_pods, outside
from servicegraph.model.cluster import Service
from servicegraph.model.refs import ServiceKey, WorkloadKey

_ITSELF = "this is a call on itself: right where its replicas talk to each other"
_NO_PORT = "no port is said, so this is all that the Service has: name those that are called"
_MOST_PLACES = 5
_ORDER = (ServiceTarget, PartTarget, PodsTarget, APIServerTarget, PlaceTarget, OutsideTarget)


class Mention(msgspec.Struct, frozen=True):
    """Something that a workload names or calls, and where that was seen."""

    meaning: Meaning
    place: Place


class Called(msgspec.Struct, frozen=True):
    """A call of a part. `callee` is None for what is no part; `pods` says that the entry names pods and their ports.

    `reaches` are the ports of the pods, where they are known.
    """

    entry: DraftEntry
    callee: ServiceKey | None = None
    pods: bool = False
    reaches: tuple[int | str, ...] = ()


class Author:
    """Knows all parts, and what each workload was seen to call."""

    def __init__(
        self,
        found: Sequence[Part],
        said: Mapping[WorkloadKey, Sequence[Mention]],
        services: Mapping[ServiceKey, Service],
    ) -> None:
        self._said = said
        self._services = services
        self._behind: dict[ServiceKey, list[Part]] = defaultdict(list)
        for part in found:
            for service in part.services:
                self._behind[service.key].append(part)
        self._by_key = {part.key: part for part in found}
        self._by_workload = {workload.key: part for part in found for workload in part.workloads}
        self._calls = {part.key: self._called(part) for part in found}
        self._callers: dict[ServiceKey, list[Caller]] = defaultdict(list)
        for part in found:
            for call in self._calls[part.key]:
                if call.callee is not None and call.entry.written:
                    self._callers[call.callee].append(Caller(part, call.entry.seen, call.reaches, call.pods))

    def calls(self, part: Part) -> tuple[DraftEntry, ...]:
        """The entries of `calls` of a part."""
        return tuple(call.entry for call in self._calls[part.key])

    def callers(self, part: Part) -> list[Caller]:
        """The parts that call it."""
        return self._callers[part.key]

    def _called(self, part: Part) -> list[Called]:
        """Every call of a part: on Services, on pods behind them, on the API server, on hosts outside."""
        grouped: dict[Any, list[Mention]] = defaultdict(list)
        for workload in part.workloads:
            for mention in self._said.get(workload.key, ()):
                grouped[_about(mention.meaning.target)].append(mention)
        found: list[Called] = []
        for about in sorted(grouped):
            mentions = grouped[about]
            match mentions[0].meaning.target:
                case ServiceTarget(key):
                    found += self._on_service(part, key, mentions)
                case PartTarget(key):
                    found += self._on_part(part, key, mentions)
                case PodsTarget() as target:
                    found += self._on_pods(part, target, mentions)
                case APIServerTarget():
                    found.append(Called(DraftEntry({"kubeAPIServer": True}, _seen(mentions))))
                case PlaceTarget(place, port, protocol):
                    value = {place: True, "ports": [written_port(port, protocol)]}
                    found.append(Called(DraftEntry(value, _seen(mentions))))
                case OutsideTarget() as target:
                    found.append(Called(outside(target, _seen(mentions))))
        return _merged(found)

    def _on_service(self, part: Part, key: ServiceKey, mentions: list[Mention]) -> Iterator[Called]:
        """The calls on a Service: one for each part behind it; on the Service itself where no graph is drafted."""
        sure = [mention for mention in mentions if not mention.meaning.doubt]
        doubts = tuple(sorted({mention.meaning.doubt for mention in mentions})) if not sure else ()
        wanted = {m.meaning.target.port for m in sure if isinstance(m.meaning.target, ServiceTarget)}
        seen, callees = _seen(sure or mentions), self._behind.get(key, [])
        if any(wanted):
            wanted.discard(0)
        elif sure and key in self._services and len(self._services[key].ports) > 1:
            doubts = (_NO_PORT,)
        if callees and not any(callee.drafted for callee in callees):
            value = _party(key, part.key.namespace) | _and_ports(of_service(self._services[key], wanted))
            yield Called(DraftEntry(value, seen, doubts, bool(sure)))
            return
        for callee in callees:
            if callee.key == part.key and not any(wanted):
                continue
            value = _party(callee.key, part.key.namespace) | _and_ports(through(callee, self._services[key], wanted))
            review = (*doubts, *([_ITSELF] if callee.key == part.key else []))
            yield Called(DraftEntry(value, seen, review, bool(sure)), callee.key)
        if not callees:
            yield Called(DraftEntry(_party(key, part.key.namespace), seen, doubts, bool(sure)))

    def _on_part(self, part: Part, key: ServiceKey, mentions: list[Mention]) -> Iterator[Called]:
        """The calls on pods of a part: on the ports of its Services that lead there, else on the pods themselves."""
        callee = self._by_key[key]
        review, seen = ((_ITSELF,) if key == part.key else ()), _seen(mentions)
        targets = [mention.meaning.target for mention in mentions]
        wanted = {(t.port, t.protocol) for t in targets if isinstance(t, PartTarget)}
        numbers, past = reached(callee, wanted)
        if numbers is not None:
            value = _party(key, part.key.namespace) | _and_ports(numbers)
            inside = tuple(port for port in written_ports(wanted) if port not in past)
            yield Called(DraftEntry(value, seen, review), key, reaches=inside)
        if past:
            yield Called(on_pods(callee, part.key.namespace, past, seen, review), key, pods=True, reaches=tuple(past))

    def _on_pods(self, part: Part, target: PodsTarget, mentions: list[Mention]) -> Iterator[Called]:
        """The calls on pods themselves, past the ports of their Service."""
        callee = self._by_workload.get(target.key)
        if callee is not None:
            entry = on_pods(callee, part.key.namespace, (target.port,), _seen(mentions))
            yield Called(entry, callee.key, pods=True, reaches=(target.port,))


def _about(target: Target) -> tuple[int, Any]:
    """What calls are put together by, in the order of entries: those on one service are one entry."""
    order = _ORDER.index(type(target))
    return (order, target.key) if isinstance(target, ServiceTarget | PartTarget) else (order, target)


def _party(key: ServiceKey, namespace: str) -> dict[str, Any]:
    return {"service": key.name} | ({} if key.namespace == namespace else {"namespace": key.namespace})


def _and_ports(ports: list[Any]) -> dict[str, Any]:
    return {"ports": ports} if ports else {}


def _seen(mentions: Iterable[Mention]) -> tuple[str, ...]:
    places = sorted({mention.place for mention in mentions})
    shown = [str(place) for place in places[:_MOST_PLACES]]
    return tuple(shown + [f"and {len(places) - _MOST_PLACES} more"] * (len(places) > _MOST_PLACES))


def _merged(found: Iterable[Called]) -> list[Called]:
    """Calls on the same part as one: two Services may stand before the same pods."""
    merged: dict[Any, Called] = {}
    for number, call in enumerate(found):
        party = (call.callee, call.pods) if call.callee else number
        first = merged.get(party)
        merged[party] = call if first is None else _joined(first, call)
    return list(merged.values())


def _joined(one: Called, other: Called) -> Called:
    reaches = tuple(dict.fromkeys((*one.reaches, *other.reaches)))
    return Called(_both(one.entry, other.entry), one.callee, one.pods, reaches)


def _both(one: DraftEntry, other: DraftEntry) -> DraftEntry:
    if one.written != other.written:
        return one if one.written else other
    value = dict(one.value)
    if "ports" in one.value and "ports" in other.value:
        value["ports"] = sorted({*one.value["ports"], *other.value["ports"]}, key=str)
    else:
        value.pop("ports", None)
    seen = tuple(dict.fromkeys((*one.seen, *other.seen)))
    return DraftEntry(value, seen, tuple(dict.fromkeys((*one.review, *other.review))), one.written)
