"""Entries of graphs that say nothing which others do not say too: without them, the same is declared."""

from collections.abc import Iterable, Mapping

from servicegraph.model.policy import Declared, Direction, Origin, Peer
from servicegraph.model.refs import GraphKey
from servicegraph.verify import portsets
from servicegraph.verify.grants import Term, View, World
from servicegraph.verify.naming import Parts
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.sides import declare_entities

Place = tuple[GraphKey, str]


def redundant(
    declared: Iterable[Declared], namespaces: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Origin, ...]:
    """The entries each of whose flows the other entries of its subject declare, by graph and text.

    Of two entries that say the same, both are told: removing one makes the other needed. The allowance of DNS is no
    entry and is never told, but covers others. `namespaces` are the labels of those that are known.

    Raises TangledError.
    """
    declared = tuple(declared)
    world = World(namespaces or {}, entities=declare_entities(declared))
    origins: dict[Place, Origin] = {}
    needed: set[Place] = set()
    for said in declared:
        origins |= {_place(flow.origin): flow.origin for flow in said.flows}
        for direction in Direction:
            needed |= _needed(said, View(world, said.namespace, direction))
    found = [origin for place, origin in origins.items() if place not in needed and not origin.path.endswith(".dns")]
    return tuple(sorted(found, key=lambda origin: (origin.graph, origin.text, origin.path)))


def _needed(said: Declared, view: View) -> set[Place]:
    """The entries with a flow that no other entry declares for these pods."""
    flows = [flow for flow in said.flows if flow.direction is view.direction]
    parts = Parts.declared(said, view)
    needed: set[Place] = set()
    for flow in flows:
        own = _place(flow.origin)
        for grant in view.grants(flow.peer, portsets.of_flow(flow.ports)) if own not in needed else ():
            others: dict[Peer, PortSet] = {}
            for part, _ in parts.common(grant, said.subject):
                if part.origin is not None and _place(part.origin) != own:
                    others[part.whole] = portsets.union(others.get(part.whole, ()), part.grant.ports)
            if not others or view.remaining(grant, Term(others, view), said.subject):
                needed.add(own)
    return needed


def _place(origin: Origin) -> Place:
    return origin.graph, origin.path
