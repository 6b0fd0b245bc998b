"""Every entry of every declared service, resolved; each again when a party of it differs."""

from collections import defaultdict

from servicegraph.compiler.accepts import Accept, resolve_accept
from servicegraph.compiler.apiserver import API_SERVER
from servicegraph.compiler.calls import Call, resolve_call
from servicegraph.compiler.changes import Changes
from servicegraph.compiler.view import Half, View
from servicegraph.model.compilation import Edge
from servicegraph.model.graph import Entry, NamedParty, PlaceParty, PodsParty, ServiceParty
from servicegraph.model.problems import Problem
from servicegraph.model.refs import ServiceKey


class Edges:
    """Calls and accepts by the service that writes them, and calls by the service they reach."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._calls: dict[ServiceKey, tuple[Call, ...]] = {}
        self._accepts: dict[ServiceKey, tuple[Accept, ...]] = {}
        self._incoming: dict[ServiceKey, dict[ServiceKey, tuple[Call, ...]]] = defaultdict(dict)
        self._read_workloads: set[ServiceKey] = set()
        self._read_places: set[ServiceKey] = set()

    def update(self, changed: set[ServiceKey], mentioning: set[ServiceKey], changes: Changes) -> set[ServiceKey]:
        """Resolve what these changes concern; the services whose flows may differ.

        `changed` services differ in their declaration or their pods, `mentioning` ones name such a service.
        """
        whole = changed | self._elsewhere(changes)
        dirty = set(changed)
        for key in whole:
            dirty |= self._resolve(key)
        for key in mentioning - whole:
            dirty |= self._resolve_towards(key, changed)
        return dirty

    def halves(self, key: ServiceKey) -> list[Half]:
        """Every flow at the terms of a service: its own calls, calls to it by caller, and what it accepts."""
        found = [half for call in self._calls.get(key, ()) for half in call.egress]
        incoming = self._incoming.get(key, {})
        for caller in sorted(incoming):
            for call in incoming[caller]:
                found += call.ingress
        for accept in self._accepts.get(key, ()):
            found += accept.ingress
        return found

    def of(self, key: ServiceKey) -> list[Edge]:
        """The edges that a service's calls are, in the order of their text."""
        return [edge for call in self._calls.get(key, ()) for edge in call.edges]

    def problems(self, key: ServiceKey) -> list[Problem]:
        """What is wrong with a service's entries."""
        found = [problem for call in self._calls.get(key, ()) for problem in call.problems]
        return found + [problem for accept in self._accepts.get(key, ()) for problem in accept.problems]

    def _elsewhere(self, changes: Changes) -> set[ServiceKey]:
        """The services with parties that are no services and read what changed."""
        found: set[ServiceKey] = set()
        if changes.workloads or changes.namespaces:
            found |= self._read_workloads
        api_server = any(namespace == API_SERVER.namespace for namespace, _ in changes.endpoint_slices)
        if changes.node_addresses is not None or api_server:
            found |= self._read_places
        if changes.node_addresses is not None:
            outside = [callers for key, callers in self._incoming.items() if self._view.subject(key).addresses]
            found.update(caller for callers in outside for caller in callers)
        return found

    def _resolve(self, key: ServiceKey) -> set[ServiceKey]:
        service = self._view.declared(key)
        calls = tuple(resolve_call(service, entry, self._view) for entry in service.calls) if service else ()
        accepts = tuple(resolve_accept(service, entry, self._view) for entry in service.accepts) if service else ()
        entries = (*service.calls, *service.accepts) if service else ()
        _keep(self._read_workloads, key, any(map(_reads_workloads, entries)))
        _keep(self._read_places, key, any(isinstance(entry.party, PlaceParty) for entry in entries))
        return self._put_calls(key, calls) | self._put_accepts(key, accepts)

    def _resolve_towards(self, key: ServiceKey, changed: set[ServiceKey]) -> set[ServiceKey]:
        """Resolve only the entries of a service that name a changed one; the services whose flows may differ."""
        service = self._view.declared(key)
        if service is None:
            return set()
        calls = tuple(
            resolve_call(service, entry, self._view) if _names(entry, changed) else known
            for entry, known in zip(service.calls, self._calls.get(key, ()), strict=True)
        )
        accepts = tuple(
            resolve_accept(service, entry, self._view) if _names(entry, changed) else known
            for entry, known in zip(service.accepts, self._accepts.get(key, ()), strict=True)
        )
        return self._put_calls(key, calls) | self._put_accepts(key, accepts)

    def _put_accepts(self, key: ServiceKey, accepts: tuple[Accept, ...]) -> set[ServiceKey]:
        if accepts == self._accepts.get(key, ()):
            return set()
        if accepts:
            self._accepts[key] = accepts
        else:
            self._accepts.pop(key, None)
        return {key}

    def _put_calls(self, key: ServiceKey, calls: tuple[Call, ...]) -> set[ServiceKey]:
        old = self._calls.get(key, ())
        if old == calls:
            return set()
        before, after = _by_callee(old), _by_callee(calls)
        for callee in before.keys() - after.keys():
            self._incoming[callee].pop(key, None)
            if not self._incoming[callee]:
                del self._incoming[callee]
        for callee, towards in after.items():
            self._incoming[callee][key] = towards
        if calls:
            self._calls[key] = calls
        else:
            self._calls.pop(key, None)
        return {key} | {c for c in before.keys() | after.keys() if before.get(c) != after.get(c)}


def _by_callee(calls: tuple[Call, ...]) -> dict[ServiceKey, tuple[Call, ...]]:
    found: dict[ServiceKey, tuple[Call, ...]] = {}
    for call in calls:
        if call.callee is not None:
            found[call.callee] = (*found.get(call.callee, ()), call)
    return found


def _names(entry: Entry, keys: set[ServiceKey]) -> bool:
    return isinstance(entry.party, ServiceParty) and entry.party.key in keys


def _reads_workloads(entry: Entry) -> bool:
    """Whether workloads that are no service's decide something of an entry: its ports, or that they are on the host."""
    return isinstance(entry.party, PodsParty | NamedParty)


def _keep(keys: set[ServiceKey], key: ServiceKey, wanted: bool) -> None:
    if wanted:
        keys.add(key)
    else:
        keys.discard(key)
