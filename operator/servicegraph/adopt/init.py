"""A first graph for an application that has none, from what its manifests name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from servicegraph.adopt.draft import Draft, DraftEntry, DraftService
from servicegraph.adopt.found import Configuration, Place, Setting
from servicegraph.adopt.hosts import hosts
from servicegraph.adopt.implied import implied
from servicegraph.adopt.parts import Part, parts
from servicegraph.adopt.targets import (
    APIServerTarget,
    Directory,
    Meaning,
    OutsideTarget,
    PodsTarget,
    ServiceTarget,
    Target,
)
from servicegraph.adopt.ways import Caller, accepted, outside, pods_party
from servicegraph.model.cluster import Cluster
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey

HEADER = (
    "A first draft by `servicegraph init`, from what the manifests name. Go through what is marked `review:`.",
    "DryRun enforces nothing: write mode: Enforce when the graph is right.",
)
_ITSELF = "this is a call on itself: right where its replicas talk to each other"
_MOST_PLACES = 5
_RANKS = (ServiceKey, PodsTarget, APIServerTarget, OutsideTarget)


class Mention(msgspec.Struct, frozen=True):
    """Something that a workload names, and where."""

    meaning: Meaning
    place: Place


def drafts(
    cluster: Cluster, configuration: Configuration, profile: ClusterProfile, without: Iterable[str] = ()
) -> list[Draft]:
    """A graph for every namespace that has pods, by namespace, but for those in `without`."""
    directory = Directory(cluster)
    said: dict[WorkloadKey, list[Mention]] = defaultdict(list)
    for setting in configuration.settings:
        said[setting.of] += _mentions(setting, directory)
    for caller, target, place in implied(cluster, configuration, profile):
        said[caller].append(Mention(Meaning(target), place))
    found = [
        part
        for part in parts(cluster, lambda key: _behaviour(said[key]))
        if part.key.namespace not in set(without) and not _on_host(part)
    ]
    author = _Author(cluster, configuration, profile, directory, said, found)
    namespaces = sorted({part.key.namespace for part in found if part.workloads})
    return [author.draft(namespace) for namespace in namespaces]


def _on_host(part: Part) -> bool:
    """Whether no policy can select its pods (R8)."""
    return bool(part.workloads) and all(workload.host_network for workload in part.workloads)


def _mentions(setting: Setting, directory: Directory) -> Iterator[Mention]:
    for named in hosts(setting.text, setting.key):
        for meaning in directory.find(named, setting.of.namespace):
            yield Mention(meaning, setting.place)


def _behaviour(mentions: Iterable[Mention]) -> frozenset[Target]:
    """Whom a workload calls, as far as that is sure."""
    return frozenset(m.meaning.target for m in mentions if not m.meaning.doubt)


class Called(msgspec.Struct, frozen=True):
    """A call of a part. `callee` is None for what is no part; `pods` says that the entry names pods and their port."""

    entry: DraftEntry
    callee: ServiceKey | None = None
    pods: bool = False


class _Author:
    """Writes what is known of each part."""

    def __init__(
        self,
        cluster: Cluster,
        configuration: Configuration,
        profile: ClusterProfile,
        directory: Directory,
        said: dict[WorkloadKey, list[Mention]],
        found: Sequence[Part],
    ) -> None:
        self._cluster = cluster
        self._configuration = configuration
        self._profile = profile
        self._directory = directory
        self._said = said
        self._parts = found
        self._behind: dict[ServiceKey, list[Part]] = defaultdict(list)
        for part in found:
            for service in part.services:
                self._behind[service.key].append(part)
        self._calls = {part.key: self._called(part) for part in found}

    def draft(self, namespace: str) -> Draft:
        """The graph of a namespace."""
        here = [part for part in self._parts if part.key.namespace == namespace]
        services = tuple(self._service(part) for part in here)
        return Draft(GraphKey(namespace, namespace), services, {"mode": "DryRun"}, HEADER)

    def _service(self, part: Part) -> DraftService:
        return DraftService(
            part.key.name,
            {"selects": [dict(term) for term in part.selects]} if part.selects else {},
            self._unread(part),
            accepted(part, self._callers(part), self._configuration, self._cluster, self._profile),
            tuple(call.entry for call in self._calls[part.key]),
        )

    def _callers(self, part: Part) -> list[Caller]:
        return [
            Caller(caller, tuple(call.entry.value["ports"]) if call.pods else ())
            for caller in self._parts
            for call in self._calls[caller.key]
            if call.callee == part.key and call.entry.written
        ]

    def _unread(self, part: Part) -> tuple[str, ...]:
        own = {workload.key for workload in part.workloads}
        found = sorted({(u.what, str(u.place)) for u in self._configuration.unread if u.of in own})
        return tuple(f"{what} was not read, seen in {place}: does it name somebody to call?" for what, place in found)

    def _called(self, part: Part) -> list[Called]:
        """Every call of a part: on Services, on pods behind them, on the API server, on hosts outside."""
        grouped: dict[Any, list[Mention]] = defaultdict(list)
        for workload in part.workloads:
            for mention in self._said[workload.key]:
                target = mention.meaning.target
                grouped[target.key if isinstance(target, ServiceTarget) else target].append(mention)
        found: list[Called] = []
        for what in sorted(grouped, key=lambda what: (_RANKS.index(type(what)), what)):
            mentions = grouped[what]
            match what:
                case ServiceKey():
                    found += self._on_service(part, what, mentions)
                case PodsTarget():
                    found += self._on_pods(part, what, mentions)
                case OutsideTarget():
                    found.append(Called(outside(what, _seen(mentions))))
                case _:
                    found.append(Called(DraftEntry({"kubeAPIServer": True}, _seen(mentions))))
        return _merged(found)

    def _on_service(self, part: Part, key: ServiceKey, mentions: list[Mention]) -> Iterator[Called]:
        """The calls on a Service: one for each part behind it."""
        sure = [mention for mention in mentions if not mention.meaning.doubt]
        doubts = tuple(sorted({mention.meaning.doubt for mention in mentions})) if not sure else ()
        wanted = {m.meaning.target.port for m in sure if isinstance(m.meaning.target, ServiceTarget)}
        seen, callees = _seen(sure or mentions), self._behind.get(key, [])
        for callee in callees:
            if callee.key == part.key and not any(wanted):
                continue
            value = _party(callee.key, part.key.namespace) | _ports(callee, key, wanted, self._directory)
            review = (*doubts, *([_ITSELF] if callee.key == part.key else []))
            yield Called(DraftEntry(value, seen, review, bool(sure)), callee.key)
        if not callees:
            yield Called(DraftEntry(_party(key, part.key.namespace), seen, doubts, bool(sure)))

    def _on_pods(self, part: Part, target: PodsTarget, mentions: list[Mention]) -> Iterator[Called]:
        """The calls on pods themselves, past the ports of their Service."""
        for callee in self._parts:
            if any(workload.key == target.key for workload in callee.workloads):
                value = {"pods": pods_party(callee, part.key.namespace), "ports": [target.port]}
                yield Called(DraftEntry(value, _seen(mentions)), callee.key, pods=True)


def _party(key: ServiceKey, namespace: str) -> dict[str, Any]:
    return {"service": key.name} | ({} if key.namespace == namespace else {"namespace": key.namespace})


def _ports(callee: Part, key: ServiceKey, wanted: set[int], directory: Directory) -> dict[str, Any]:
    """The ports of a call, where it means fewer than there are: of the Service, or of the pods behind it."""
    service = directory.services[key]
    meant = [port for port in service.ports if not wanted or 0 in wanted or port.port in wanted]
    if service in callee.own:
        if len(meant) == len({port for own in callee.own for port in own.ports}):
            return {}
        return {"ports": sorted(_written(port.port, port.protocol) for port in meant)}
    exposed = {port for workload in callee.workloads for port in workload.ports}
    targets = {p for port in meant for p in exposed if port.target in (p.number, p.name)}
    if not targets or targets == exposed:
        return {}
    return {"ports": sorted(_written(port.number, port.protocol) for port in targets)}


def _written(number: int, protocol: str) -> Any:
    return number if protocol == "TCP" else f"{number}/{protocol}"


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
        merged[party] = call if first is None else msgspec.structs.replace(call, entry=_both(first.entry, call.entry))
    return list(merged.values())


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
