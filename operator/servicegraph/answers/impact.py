"""The blast radius of a service: whom an attacker inside it reaches, and who reaches it."""

from collections import Counter, defaultdict
from typing import Any

import msgspec
import networkx as nx

from servicegraph.answers.reach import NOTHING, Reach, Via
from servicegraph.model.refs import ServiceKey

MOST = 5
"""Calls that are told as the ones to remove."""

_TRIED = 20


class Reached(msgspec.Struct, frozen=True):
    """A service on the way: how many hops away, from where its last hop comes, and what lets it."""

    service: ServiceKey
    hops: int
    neighbour: ServiceKey
    via: Via


class Cut(msgspec.Struct, frozen=True):
    """What, if it were removed, would take `services` out of reach."""

    via: Via
    services: tuple[ServiceKey, ...]


class Impact(msgspec.Struct, frozen=True):
    """The answer. `others` is how many services there are besides: with no policies all are one hop away.

    `exits` are services with which something outside the cluster can be reached, the one itself among them;
    `entrances` are those through which somebody outside the cluster reaches it.
    """

    service: ServiceKey
    others: int
    reaches: tuple[Reached, ...]
    reached_by: tuple[Reached, ...]
    cuts: tuple[Cut, ...]
    exits: tuple[ServiceKey, ...]
    entrances: tuple[ServiceKey, ...]


def impact(reach: Reach, service: ServiceKey) -> Impact:
    """Everything about one of the services of `reach`."""
    graph = graph_of(reach)
    reaches = _walk(graph, service)
    reached_by = _walk(graph.reverse(copy=False), service)
    inside = {service, *(found.service for found in reaches)}
    before = {service, *(found.service for found in reached_by)}
    return Impact(
        service,
        len(reach.services) - 1,
        reaches,
        reached_by,
        _cuts(graph, service),
        tuple(sorted(inside & reach.leaves)),
        tuple(sorted(before & reach.enters)),
    )


def graph_of(reach: Reach) -> Any:
    """Services and what lets one reach the other, as one directed graph: each hop crosses one node in between."""
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(reach.services)
    for caller, via, callee in reach.edges():
        between = via if via != NOTHING else (via, caller, callee)
        graph.add_edge(caller, between)
        graph.add_edge(between, callee)
    for number, (callers, callees) in enumerate(reach.through_nothing()):
        hub = (NOTHING, number)
        if callers and callees:
            graph.add_edges_from((caller, hub) for caller in callers)
            graph.add_edges_from((hub, callee) for callee in callees)
    return graph


def _walk(graph: Any, start: ServiceKey) -> tuple[Reached, ...]:
    """Every service that can be reached, the nearest first."""
    behind: dict[Any, Any] = dict(nx.bfs_predecessors(graph, start))
    hops = {start: 0}
    found = []
    for node, between in behind.items():
        if isinstance(node, ServiceKey):
            neighbour = behind.get(between, start)
            hops[node] = hops[neighbour] + 1
            via = between if isinstance(between, Via) else NOTHING
            found.append(Reached(node, hops[node], neighbour, via))
    return tuple(sorted(found, key=lambda reached: (reached.hops, reached.service)))


def _cuts(graph: Any, start: ServiceKey) -> tuple[Cut, ...]:
    """The calls without which most is out of reach: those that every way to most services crosses."""
    dominators: dict[Any, Any] = nx.immediate_dominators(graph, start)
    children: dict[Any, list[Any]] = defaultdict(list)
    for node, dominator in dominators.items():
        if dominator is not None and node != start:
            children[dominator].append(node)
    order: list[Any] = [start]
    for node in order:
        order.extend(children[node])
    sizes: Counter[Any] = Counter()
    for node in reversed(order):
        sizes[node] += isinstance(node, ServiceKey)
        if node != start:
            sizes[dominators[node]] += sizes[node]
    alike: dict[tuple[object, ...], list[Via]] = defaultdict(list)
    for node in order:
        if isinstance(node, Via):
            alike[node[1:]].append(node)
    likely = sorted(alike.values(), key=lambda vias: (-sum(sizes[via] for via in vias), len(vias), _text(vias[0])))
    cuts = [
        Cut(vias[0], tuple(sorted(_below(vias[0], children) if len(vias) == 1 else _without(graph, start, vias))))
        for vias in likely[:_TRIED]
    ]
    best = sorted((cut for cut in cuts if cut.services), key=lambda cut: -len(cut.services))
    return tuple(best[:MOST])


def _without(graph: Any, start: ServiceKey, vias: list[Via]) -> set[ServiceKey]:
    """What is out of reach once an entry is gone that lets several services pass."""
    left = nx.restricted_view(graph, vias, [])
    gone = nx.descendants(graph, start) - nx.descendants(left, start)
    return {node for node in gone if isinstance(node, ServiceKey)}


def _below(node: Any, children: dict[Any, list[Any]]) -> list[ServiceKey]:
    found, rest = [], [node]
    while rest:
        one = rest.pop()
        if isinstance(one, ServiceKey):
            found.append(one)
        rest.extend(children[one])
    return found


def _text(via: Via) -> str:
    return str(via.origin) if via.origin else f"{via.policy} {via.rule} {via.owner}"
