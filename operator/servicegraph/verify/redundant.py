"""Entries of graphs that say nothing which others do not say too: without them, the same is declared."""

from collections import defaultdict
from collections.abc import Iterable

from servicegraph.model.policy import Declared, Direction, Flow, Origin
from servicegraph.model.refs import GraphKey
from servicegraph.verify import portsets
from servicegraph.verify.grants import Grant, Term, View, World

Place = tuple[GraphKey, str]


def redundant(declared: Iterable[Declared]) -> tuple[Origin, ...]:
    """The entries each of whose flows the other entries of its subject declare, by graph and text.

    Of two entries that say the same, both are told: removing one makes the other needed. The allowance of DNS is no
    entry and is never told, but covers others.
    """
    world = World({})
    origins: dict[Place, Origin] = {}
    needed: set[Place] = set()
    for said in declared:
        for direction in Direction:
            flows = [flow for flow in said.flows if flow.direction is direction]
            origins |= {_place(flow): flow.origin for flow in flows}
            needed |= _needed(said, flows, View(world, said.namespace, direction))
    found = [origin for place, origin in origins.items() if place not in needed and not origin.path.endswith(".dns")]
    return tuple(sorted(found, key=lambda origin: (origin.graph, origin.text, origin.path)))


def _needed(said: Declared, flows: list[Flow], view: View) -> set[Place]:
    """The entries with a flow that no other entry declares for these pods."""
    by_entry: dict[Place, list[Flow]] = defaultdict(list)
    for flow in flows:
        by_entry[_place(flow)].append(flow)
    if len(by_entry) < 2:
        return set(by_entry)
    whole = _Flows(flows, view)
    return {
        place
        for place, own in by_entry.items()
        if any(not whole.covers(grant, place, said) for flow in own for grant in _grants(flow, view))
    }


class _Flows:
    """The flows of one subject and direction, with the entries behind each grant."""

    def __init__(self, flows: list[Flow], view: View) -> None:
        self._view = view
        self._behind: dict[Grant, set[Place]] = defaultdict(set)
        for flow in flows:
            for grant in _grants(flow, view):
                self._behind[grant].add(_place(flow))
        allowed = defaultdict(list)
        for flow in flows:
            allowed[flow.peer].append(flow)
        self._terms = Term(dict.fromkeys(allowed, portsets.ALL), view)
        self._by_peers: dict[object, list[Grant]] = defaultdict(list)
        for grant in self._behind:
            self._by_peers[grant.peers].append(grant)

    def covers(self, grant: Grant, place: Place, said: Declared) -> bool:
        """Whether entries other than this one allow all of a grant."""
        others = [
            found
            for touching in self._terms.touching(grant)
            for found in self._by_peers[touching.peers]
            if self._behind[found] - {place}
        ]
        return bool(others) and not self._view.remaining(grant, others, said.subject)


def _grants(flow: Flow, view: View) -> list[Grant]:
    return list(view.grants(flow.peer, portsets.of_flow(flow.ports)))


def _place(flow: Flow) -> Place:
    return flow.origin.graph, flow.origin.path
