"""What observed traffic says of graphs: what they lack, what nobody needs, what they would break."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from servicegraph.adopt.cast import Cast
from servicegraph.adopt.flows import Count, FlowKey, Flows
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Origin
from servicegraph.model.refs import GraphKey


class Judged(msgspec.Struct, frozen=True):
    """What graphs and policies say of a flow.

    `egress` and `ingress` tell whether the graphs allow either half, `isolated` whether they are about it at all;
    `origins` are the entries that allow it. `denied` says what would stop it, empty where nothing does.
    """

    egress: bool
    ingress: bool
    isolated: bool
    origins: tuple[Origin, ...]
    denied: str


class SeenCall(msgspec.Struct, frozen=True):
    """A call that was observed. `times` counts its flows; `denied` says what would stop it."""

    source: str
    destination: str
    protocol: str
    port: int
    times: int
    denied: str


class Gap(msgspec.Struct, frozen=True):
    """A call that passed. `egress` and `ingress` tell which of its halves the graphs forbid."""

    key: FlowKey
    count: Count
    egress: bool
    ingress: bool


class Learnt(msgspec.Struct, frozen=True):
    """What was learnt.

    `undeclared` passed and no graph declares it; `broken` passed and policies would stop it. `dropped` was stopped and
    is declared nowhere; `hindered` was stopped though it is declared. `unseen` are declared calls that nobody made.
    `gaps` are all calls that passed, with what is to be declared of each.
    """

    calls: int
    undeclared: tuple[SeenCall, ...]
    broken: tuple[SeenCall, ...]
    dropped: tuple[SeenCall, ...]
    hindered: tuple[SeenCall, ...]
    unseen: tuple[Origin, ...]
    gaps: tuple[Gap, ...]


def learn(flows: Flows, graphs: Sequence[Graph], cast: Cast, judge: Callable[[FlowKey], Judged]) -> Learnt:
    """Hold flows against graphs."""
    seen: dict[str, list[SeenCall]] = defaultdict(list)
    called: set[tuple[GraphKey, str]] = set()
    gaps = []
    for key, count in sorted(flows.calls.items(), key=lambda item: item[0]):
        judged = judge(key)
        title = cast.title(key.source), cast.title(key.destination)
        call = SeenCall(*title, key.protocol, key.port, count.times, judged.denied)
        declared = judged.egress and judged.ingress
        seen["all"].append(call)
        if judged.isolated:
            called.update((origin.graph, origin.path) for origin in judged.origins)
        if not declared:
            seen["undeclared" if count.passed else "dropped"].append(call)
        elif judged.isolated:
            seen["declared" if count.passed else "hindered"].append(call)
        if count.passed and judged.denied:
            seen["broken"].append(call)
        if count.passed:
            gaps.append(Gap(key, count, not judged.egress, not judged.ingress))
    entries = [(graph.key, entry) for graph in graphs for service in graph.services for entry in service.calls]
    unseen = {Origin(graph, entry.path, entry.text) for graph, entry in entries if (graph, entry.path) not in called}
    told: defaultdict[str, tuple[SeenCall, ...]] = defaultdict(
        tuple, {kind: _together(calls) for kind, calls in seen.items()}
    )
    return Learnt(
        calls=len(told["all"]),
        undeclared=told["undeclared"],
        broken=told["broken"],
        dropped=told["dropped"],
        hindered=told["hindered"],
        unseen=tuple(sorted(unseen, key=lambda origin: (origin.graph, origin.text))),
        gaps=tuple(gaps),
    )


def _together(calls: Iterable[SeenCall]) -> tuple[SeenCall, ...]:
    """Calls that people would call the same as one: pods of a service may differ in labels that do not matter."""
    found: dict[tuple[str, ...], SeenCall] = {}
    for call in calls:
        what = (call.source, call.destination, call.protocol, str(call.port), call.denied)
        first = found.get(what)
        found[what] = call if first is None else msgspec.structs.replace(call, times=call.times + first.times)
    return tuple(sorted(found.values(), key=lambda c: (c.source, c.destination, c.protocol, c.port)))
