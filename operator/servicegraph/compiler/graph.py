"""Graphs merge: each service has one declaration, whichever of them has it.

DuplicateService: a service that two graphs declare belongs to the graph that owns its live
policy, else to the smaller name; both are told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from servicegraph.compiler.changes import Changes
from servicegraph.compiler.limits import NO_EXCESS, Excess, excess
from servicegraph.model.graph import DeclaredService, Entry, Graph, Place, PlaceParty, ServiceParty
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import Limits
from servicegraph.model.refs import GraphKey, ServiceKey


class Mentions(msgspec.Struct, frozen=True):
    """The services that a declaration names, with the entries that name them; `anyone` are those that take anybody."""

    calls: Mapping[ServiceKey, list[Entry]] = {}
    accepts: Mapping[ServiceKey, list[Entry]] = {}
    anyone: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, service: DeclaredService) -> "Mentions":
        """The mentions of a declaration."""
        return cls(
            _by_service(service.calls), _by_service(service.accepts), tuple(filter(_takes_anyone, service.accepts))
        )

    @property
    def services(self) -> set[ServiceKey]:
        """Every service that is named."""
        return self.calls.keys() | self.accepts.keys()


_NO_MENTIONS = Mentions()


def _by_service(entries: Iterable[Entry]) -> dict[ServiceKey, list[Entry]]:
    found: dict[ServiceKey, list[Entry]] = defaultdict(list)
    for entry in entries:
        if isinstance(entry.party, ServiceParty):
            found[entry.party.key].append(entry)
    return found


def _takes_anyone(entry: Entry) -> bool:
    return isinstance(entry.party, PlaceParty) and entry.party.place is Place.ANYWHERE


class Declarations:
    """Every declared service, who names it, and what is wrong between graphs."""

    def __init__(self, limits: Limits) -> None:
        self.graphs: dict[GraphKey, Graph] = {}
        self._limits = limits
        self._claims: dict[ServiceKey, dict[GraphKey, DeclaredService]] = defaultdict(dict)
        self._incumbents: dict[ServiceKey, GraphKey] = {}
        self._declared: dict[ServiceKey, DeclaredService] = {}
        self._mentions: dict[ServiceKey, Mentions] = {}
        self._mentioned_by: dict[ServiceKey, set[ServiceKey]] = defaultdict(set)
        self._in_namespace: dict[str, set[GraphKey]] = defaultdict(set)
        self._owned: dict[GraphKey, set[ServiceKey]] = defaultdict(set)
        self._excess: dict[str, Excess] = {}

    def declared(self, key: ServiceKey) -> DeclaredService | None:
        """The declaration that counts."""
        return self._declared.get(key)

    def is_named(self, key: ServiceKey) -> bool:
        """Whether a graph declares a service or names it in a call or accept."""
        return key in self._declared or bool(self._mentioned_by.get(key))

    def mentions(self, key: ServiceKey) -> Mentions:
        """The services that a declared service names."""
        return self._mentions.get(key, _NO_MENTIONS)

    def mentioned_by(self, key: ServiceKey) -> set[ServiceKey]:
        """The declared services that name a service in their calls or accepts."""
        return self._mentioned_by.get(key, set())

    def of_graph(self, key: GraphKey) -> list[ServiceKey]:
        """The services a graph declares and owns, sorted."""
        return sorted(self._owned.get(key, ()))

    def of_namespace(self, namespace: str) -> list[Graph]:
        """The graphs of a namespace, by name."""
        return [self.graphs[key] for key in sorted(self._in_namespace.get(namespace, ()))]

    def all(self) -> Iterable[ServiceKey]:
        """Every declared service."""
        return self._declared.keys()

    def update(self, changes: Changes) -> tuple[set[ServiceKey], set[GraphKey]]:
        """Take graphs in; the services whose declaration differs now, and the graphs that may be told otherwise."""
        graphs = {key: graph for key, graph in changes.graphs.items() if self.graphs.get(key) != graph}
        affected: set[ServiceKey] = set()
        for key, graph in graphs.items():
            affected |= self._replace(key, graph)
        for service, incumbent in changes.incumbents.items():
            if self._incumbents.get(service) != incumbent:
                affected.add(service)
                self._incumbents.pop(service, None)
                if incumbent is not None:
                    self._incumbents[service] = incumbent
        told = graphs.keys() | {rival for key in affected for rival in self._claims.get(key, ())}
        for namespace in {key.namespace for key in graphs}:
            beyond = excess(self.of_namespace(namespace), self._limits)
            if beyond != self._excess.pop(namespace, NO_EXCESS):
                affected |= {key for key in self._claims if key.namespace == namespace}
                told |= self._in_namespace[namespace]
            if beyond != NO_EXCESS:
                self._excess[namespace] = beyond
        return {key for key in affected if self._decide(key)}, told

    def problems(self, key: GraphKey) -> list[Problem]:
        """What is wrong between this graph and the others of its namespace."""
        graph = self.graphs[key]
        found = []
        for service in graph.services:
            others = sorted(other for other in self._claims.get(service.key, ()) if other != key)
            if not others:
                continue
            owner = self._declared[service.key].graph
            message = (
                f"service {service.key.name} is declared by {', '.join(map(str, others))} too; {owner} has it: "
                "declare it in one graph"
            )
            severity = Severity.WARNING if owner == key else Severity.ERROR
            found.append(Problem(Code.DUPLICATE_SERVICE, severity, key, f"{service.path}.name", message))
        return found + [p for p in self._excess.get(key.namespace, NO_EXCESS).problems if p.graph == key]

    def _replace(self, key: GraphKey, graph: Graph | None) -> set[ServiceKey]:
        old = self.graphs.pop(key, None)
        affected = {service.key for service in old.services} if old else set()
        for service in affected:
            self._claims[service].pop(key, None)
        self._in_namespace[key.namespace].discard(key)
        if graph is not None:
            self.graphs[key] = graph
            self._in_namespace[key.namespace].add(key)
            for service_ in graph.services:
                self._claims[service_.key][key] = service_
                affected.add(service_.key)
        return affected

    def _decide(self, key: ServiceKey) -> bool:
        claims = self._claims.get(key) or {}
        new: DeclaredService | None = None
        if claims:
            incumbent = self._incumbents.get(key)
            owner = incumbent if incumbent in claims else min(claims)
            new = self._excess.get(key.namespace, NO_EXCESS).within(claims[owner])
        else:
            self._claims.pop(key, None)
        old = self._declared.pop(key, None)
        if new is not None:
            self._declared[key] = new
        if new == old:
            return False
        if old is not None:
            self._owned[old.graph].discard(key)
        if new is not None:
            self._owned[new.graph].add(key)
        for mentioned in self.mentions(key).services:
            self._mentioned_by[mentioned].discard(key)
        self._mentions.pop(key, None)
        if new is not None:
            self._mentions[key] = Mentions.of(new)
        for mentioned in self.mentions(key).services:
            self._mentioned_by[mentioned].add(key)
        return True
