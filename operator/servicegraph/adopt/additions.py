"""What is to be declared so that observed calls go on: entries for graphs, or whole graphs if there are none."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from servicegraph.adopt.author import Author, Mention
from servicegraph.adopt.cast import Cast
from servicegraph.adopt.draft import Draft, DraftEntry, DraftService
from servicegraph.adopt.flows import FlowEnd
from servicegraph.adopt.found import Place
from servicegraph.adopt.learn import Gap
from servicegraph.adopt.outsiders import called, let_in, listening
from servicegraph.adopt.parts import Part
from servicegraph.adopt.targets import Meaning, PartTarget
from servicegraph.adopt.ways import consents
from servicegraph.model.addresses import canonical
from servicegraph.model.graph import Graph
from servicegraph.model.ports import Protocol
from servicegraph.model.profile import DNS
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey

NEW = (
    "A first draft by `servicegraph learn`: what nobody did while flows were observed is missing.",
    "DryRun enforces nothing: write mode: Enforce when the graph is right.",
)
MORE = ("To be added to this ServiceGraph: what was seen and is not declared. Not all that is done is meant.",)
SYSTEM = ("kube-node-lease", "kube-public", "kube-system")
"""Namespaces of a cluster's own, for which no graph is written."""

_DNS_PORTS = (53, 5353)
_DNS_NAMESPACES = ("kube-system", "openshift-dns")

Met = Counter[tuple[WorkloadKey, PartTarget]]
OutsideKey = tuple[str, int, Protocol]
Outside = dict[ServiceKey, dict[OutsideKey, list[Gap]]]
"""Gaps with what is no pod, by part, and for each by kind of the other and port."""


class Known(msgspec.Struct, frozen=True):
    """What is known of a cluster's own: who resolves names, and the API server's TCP ports, if anybody tells them."""

    dns: DNS = DNS()
    api_server_ports: tuple[int, ...] = ()


def additions(gaps: Iterable[Gap], graphs: Sequence[Graph], cast: Cast, source: str, known: Known) -> list[Draft]:
    """What each graph lacks; where there is no graph at all, one for each namespace that has pods.

    `source` names where the flows come from.
    """
    author = _Additions(cast, source, known)
    for gap in gaps:
        author.take(gap)
    return author.drafts({service.key: graph.key for graph in graphs for service in graph.services})


class _Additions:
    def __init__(self, cast: Cast, source: str, known: Known) -> None:
        self._cast = cast
        self._source = source
        self._known = known
        self._out: Met = Counter()
        self._into: Met = Counter()
        self._outward: Outside = defaultdict(lambda: defaultdict(list))
        self._inward: Outside = defaultdict(lambda: defaultdict(list))
        self._asks: set[ServiceKey] = set()

    def take(self, gap: Gap) -> None:
        """Sort one gap by the halves that are to be declared."""
        source, target = self._cast.part(gap.key.source), self._cast.part(gap.key.destination)
        if source is not None and (gap.egress or self._is_new(source) or self._is_half(gap, source, target)):
            self._leaves(gap, source, target)
        if target is not None and (gap.ingress or self._is_new(target)):
            self._arrives(gap, source, target)

    def drafts(self, graphs: Mapping[ServiceKey, GraphKey]) -> list[Draft]:
        """One for each graph that lacks something, or for each namespace."""
        out, into = (self._author(met) for met in (self._out, self._into))
        services: dict[GraphKey, list[DraftService]] = defaultdict(list)
        wanted: set[GraphKey] = set()
        for part in self._cast.parts:
            key = graphs.get(part.key)
            if key is None and not self._is_new(part):
                continue
            service = self._service(part, out, into)
            graph = key or GraphKey(part.key.namespace, part.key.namespace)
            says = bool(service.calls or service.accepts or "dns" in service.fields)
            if says or key is None:
                services[graph].append(service)
            if says:
                wanted.add(graph)
        known = set(graphs.values())
        return [
            Draft(graph, tuple(services[graph]), *(({}, MORE) if graph in known else ({"mode": "DryRun"}, NEW)))
            for graph in sorted(wanted)
        ]

    def _service(self, part: Part, out: Author, into: Author) -> DraftService:
        calls = [*out.calls(part)]
        for (entity, port, protocol), gaps in sorted(self._outward[part.key].items()):
            calls += called(entity, [gap.key.destination for gap in gaps], port, protocol, self._seen(gaps))
        accepts: list[DraftEntry] = [*consents(part, into.callers(part))]
        for (entity, port, protocol), gaps in sorted(self._inward[part.key].items()):
            accepts.append(let_in(entity, [gap.key.source for gap in gaps], port, protocol, self._seen(gaps)))
        fields: dict[str, Any] = dict(part.fields) if self._is_new(part) else {}
        if part.key in self._asks and not any(call.written for call in calls):
            fields["dns"] = "Always"
        return DraftService(part.key.name, fields, (), tuple(accepts), tuple(calls))

    def _leaves(self, gap: Gap, source: Part, target: Part | None) -> None:
        key = gap.key
        if key.port in _DNS_PORTS and self._resolves(key.destination):
            self._asks.add(source.key)
        elif target is None:
            entity = listening(key.destination, key.port, key.protocol, self._known.api_server_ports)
            self._outward[source.key][entity, key.port, key.protocol].append(gap)
        else:
            self._meet(gap, target, self._out)

    def _resolves(self, end: FlowEnd) -> bool:
        """Whether an end is the cluster's resolver: any other is called like any host."""
        dns = self._known.dns
        own = (dns.service.namespace,) if dns.service else ()
        if end.is_pod:
            return end.namespace in (*own, *_DNS_NAMESPACES)
        return end.address in map(canonical, dns.addresses)

    def _arrives(self, gap: Gap, source: Part | None, target: Part) -> None:
        if source is None:
            self._inward[target.key][gap.key.source.entity, gap.key.port, gap.key.protocol].append(gap)
        else:
            self._meet(gap, target, self._into)

    def _meet(self, gap: Gap, target: Part, met: Met) -> None:
        workload = self._cast.workload(gap.key.source)
        if workload is not None:
            met[workload.key, PartTarget(target.key, gap.key.port, gap.key.protocol)] += gap.count.times

    def _author(self, met: Met) -> Author:
        said: dict[WorkloadKey, list[Mention]] = defaultdict(list)
        for (caller, target), times in sorted(met.items()):
            said[caller].append(Mention(Meaning(target), Place("", 0, self._times(times))))
        return Author(self._cast.parts, said, self._cast.services)

    def _is_new(self, part: Part) -> bool:
        return part.drafted and part.key not in self._cast.declared and part.key.namespace not in SYSTEM

    def _is_half(self, gap: Gap, source: Part, target: Part | None) -> bool:
        """Whether the callee lacks its half of a call inside a namespace, which a call on the service opens (R3)."""
        both = target is not None and {source.key, target.key} <= self._cast.declared.keys()
        return gap.ingress and both and target is not None and source.key.namespace == target.key.namespace

    def _seen(self, gaps: Sequence[Gap]) -> str:
        return self._times(sum(gap.count.times for gap in gaps))

    def _times(self, times: int) -> str:
        return f"{times} flow{'' if times == 1 else 's'} of {self._source}"
