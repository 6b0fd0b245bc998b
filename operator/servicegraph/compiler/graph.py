"""Graphs merge: each service has one declaration, whichever of them has it.

Rules R20 (limits) and DuplicateService: a service that two graphs declare belongs to the graph that owns its live
policy, else to the smaller name; both are told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from servicegraph.compiler.changes import Changes
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

    def claimants(self, key: ServiceKey) -> Iterable[GraphKey]:
        """Every graph that declares a service, the one that has it included."""
        return self._claims.get(key, {}).keys()

    def all(self) -> Iterable[ServiceKey]:
        """Every declared service."""
        return self._declared.keys()

    def update(self, changes: Changes) -> set[ServiceKey]:
        """Take graphs in; the services whose declaration differs now."""
        affected: set[ServiceKey] = set()
        for key, graph in changes.graphs.items():
            affected |= self._replace(key, graph)
        for service, incumbent in changes.incumbents.items():
            if incumbent is None:
                self._incumbents.pop(service, None)
            else:
                self._incumbents[service] = incumbent
            affected.add(service)
        if self._limits.edges_per_namespace is not None or self._limits.graphs_per_namespace is not None:
            changed = {key.namespace for key in changes.graphs}
            affected |= {key for key in self._claims if key.namespace in changed}
        return {key for key in affected if self._decide(key)}

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
        return found + [p for p in self._over_limit(key.namespace)[1] if p.graph == key]

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
            new = self._within_limits(claims[owner])
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

    def _within_limits(self, service: DeclaredService) -> DeclaredService:
        excess = self._over_limit(service.key.namespace)[0]
        if not excess:
            return service

        def kept(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
            return tuple(entry for entry in entries if (service.graph, entry.path) not in excess)

        return msgspec.structs.replace(service, calls=kept(service.calls), accepts=kept(service.accepts))

    def _over_limit(self, namespace: str) -> tuple[set[tuple[GraphKey, str]], list[Problem]]:
        """The entries beyond the limits of the profile, which give no rule, and a problem for each graph (R20)."""
        edges, graphs = self._limits.edges_per_namespace, self._limits.graphs_per_namespace
        excess: set[tuple[GraphKey, str]] = set()
        problems: list[Problem] = []
        if edges is None and graphs is None:
            return excess, problems
        used = 0
        for index, graph in enumerate(self.of_namespace(namespace)):
            paths = sorted((s.key.name, e.text, e.path) for s in graph.services for e in (*s.calls, *s.accepts))
            left = len(paths) if edges is None else max(0, edges - used)
            used += len(paths)
            if graphs is not None and index >= graphs:
                message = f"this cluster allows {graphs} graphs in a namespace: its entries give no rule; merge graphs"
                left = 0
            else:
                message = f"this cluster allows {edges} entries in a namespace: {len(paths) - left} give no rule"
            if left < len(paths):
                excess |= {(graph.key, path) for _, _, path in paths[left:]}
                problems.append(Problem(Code.LIMIT_EXCEEDED, Severity.ERROR, graph.key, ".spec.services", message))
        return excess, problems
