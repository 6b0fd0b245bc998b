"""What each policy of a namespace lacks: the decisions, one name at a time, before they are put in order."""

from enum import StrEnum

import msgspec

from servicegraph.compiler.emit.names import DEFAULT_DENY
from servicegraph.controller.isolation import live_denied, opened
from servicegraph.controller.live import (
    LivePolicy,
    Owner,
    Standing,
    deny_owner,
    graph_owner,
    is_graph,
    service_of,
    standing,
)
from servicegraph.controller.view import GraphRecord, NamespaceView, Wanted
from servicegraph.model.policy import Direction, Mode, Policy, PolicyKind
from servicegraph.model.selectors import implies


class Verb(StrEnum):
    """What is done to a policy."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One write. `needs` are the names whose writes of the same plan must have been accepted before.

    `live` is the object that the decision rests on: an update or delete fails when it changed meanwhile.
    `open` are directions that get an allow-all for now; `reserve` makes the default deny select nothing.
    """

    verb: Verb
    name: str
    wanted: Wanted | None = None
    live: LivePolicy | None = None
    owners: tuple[Owner, ...] = ()
    needs: frozenset[str] = frozenset()
    open: tuple[Direction, ...] = ()
    reserve: bool = False


def matches(wanted: Wanted, live: LivePolicy, owners: tuple[Owner, ...]) -> bool:
    """Whether a live policy is what it should be, but for owners and marks of others."""
    return (
        live.spec == wanted.spec
        and live.labels == wanted.labels
        and live.annotations == wanted.annotations
        and set(owners) <= set(live.owners)
        and all(owner in owners for owner in live.owners if is_graph(owner))
    )


class Comparer:
    """Compares names of one namespace."""

    def __init__(self, view: NamespaceView) -> None:
        self._view = view
        self._uids = view.uids
        graphs = view.graphs.values()
        self._frozen_uids = frozenset(graph.uid for graph in graphs if graph.frozen)
        self._held_uids = frozenset(graph.uid for graph in graphs if graph.held)
        self._held_services = frozenset(s for graph in graphs for s in graph.held_services)
        self._off_services = frozenset(s for graph in graphs for s in graph.off_services)
        self._denied = live_denied(view)
        deny = view.live.get(DEFAULT_DENY)
        asked = DEFAULT_DENY in view.wanted and deny is not None and standing(deny, self._uids) is Standing.OURS
        self._deny = (deny_owner(deny.uid),) if deny is not None and asked and not deny.deleting else ()

    def taken(self, name: str) -> bool:
        """Whether somebody else holds the name of a wanted policy."""
        live, wanted = self._view.live.get(name), self._view.wanted.get(name)
        return wanted is not None and live is not None and standing(live, self._uids) is Standing.TAKEN

    def difference(self, name: str) -> Action | None:
        """What is to be written now."""
        wanted, live = self._wanted(name), self._view.live.get(name)
        if wanted is not None:
            graph = self._view.graphs.get(wanted.policy.graph)
            dry = wanted.policy.mode is Mode.DRY_RUN and wanted.policy.kind is not PolicyKind.EXEMPTION
            if dry or graph is None or graph.frozen or self._needless(wanted, graph):
                return None
            return self.compare(name)
        if live is None or live.deleting or standing(live, self._uids) is not Standing.OURS:
            return None
        return None if self._stays(live) else Action(verb=Verb.DELETE, name=name, live=live)

    def _wanted(self, name: str) -> Wanted | None:
        """What should be of that name beside the live default deny.

        The exemptions from a deny that is in DryRun are wanted for as long as an earlier one is live.
        """
        wanted = self._view.wanted.get(name)
        if wanted is None:
            return None
        policy = wanted.policy
        if policy.kind is PolicyKind.EXEMPTION and policy.mode is Mode.DRY_RUN and not self._denied:
            return None
        return opened(wanted, self._denied)

    def _stays(self, live: LivePolicy) -> bool:
        """Whether a live policy that is not wanted is kept: its graph or service is held, or a held deny needs it."""
        if any(owner.uid in self._frozen_uids for owner in live.owners):
            return True
        service = service_of(live.name)
        unknown = bool(self._denied) and DEFAULT_DENY not in self._view.wanted
        if live.exempts:
            return unknown and service in self._off_services | self._held_services
        if service in self._held_services or any(owner.uid in self._held_uids for owner in live.owners):
            return True
        return unknown and service in self._off_services and live.name != DEFAULT_DENY

    def _needless(self, wanted: Wanted, graph: GraphRecord) -> bool:
        """Whether it exempts from the default deny what policies that stay as they are allow and isolate already."""
        policy = wanted.policy
        if policy.kind is not PolicyKind.EXEMPTION or policy.service is None:
            return False
        return policy.service.name in graph.held_services and not self.not_isolated(policy)

    def compare(self, name: str) -> Action | None:
        """What a wanted policy lacks, whether or not it may be written."""
        wanted, live = self._wanted(name), self._view.live.get(name)
        if wanted is None:
            return None
        owners = self._owners(wanted, live)
        if live is None:
            return Action(verb=Verb.CREATE, name=name, wanted=wanted, owners=owners)
        if live.deleting or standing(live, self._uids) is not Standing.OURS or matches(wanted, live, owners):
            return None
        return Action(verb=Verb.UPDATE, name=name, wanted=wanted, live=live, owners=owners)

    def not_isolated(self, policy: Policy) -> tuple[Direction, ...]:
        """The directions in which no policy of its service covers a policy's subject yet."""
        names = self._view.live.of_service(policy.service.name) if policy.service else ()
        covering = [
            live
            for name in names
            if (live := self._view.live.get(name)) and standing(live, self._uids) is Standing.OURS
            if live.subject is not None and implies(policy.subject, live.subject) and not live.exempts
        ]
        isolated = {direction for live in covering for direction in live.directions}
        return tuple(d for d in policy.directions if d not in isolated)

    def _owners(self, wanted: Wanted, live: LivePolicy | None) -> tuple[Owner, ...]:
        graphs = self._view.graphs
        if wanted.name != DEFAULT_DENY:
            graph = graphs.get(wanted.policy.graph)
            return (graph_owner(graph.key.name, graph.uid), *self._deny) if graph else self._deny
        already = {owner.uid for owner in live.owners} if live else set()
        return tuple(
            graph_owner(graph.key.name, graph.uid)
            for _, graph in sorted(graphs.items())
            if (graph.uid in already if graph.held else graph.isolates_namespace and graph.mode is Mode.ENFORCE)
        )
