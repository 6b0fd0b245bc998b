"""Writes the status of a graph when it says something new, and tells the transitions as Events."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from servicegraph.compiler.changes import GraphResult
from servicegraph.compiler.emit.names import rendered_name
from servicegraph.controller.draining import stamp
from servicegraph.controller.events import Events, transitions
from servicegraph.controller.graphs import LiveGraph
from servicegraph.controller.handlers import Receive
from servicegraph.controller.plan import held
from servicegraph.controller.policykinds import resource_of
from servicegraph.controller.proving import Finding, Place
from servicegraph.controller.queue import WorkQueue
from servicegraph.controller.state import State
from servicegraph.controller.status import Outcome, build, build_invalid, same
from servicegraph.model.policy import Mode, PolicyKind
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION
from servicegraph.sources.api import ApiClient, ApiError

STATUS = "status"

Reports = WorkQueue[GraphKey, str]
"""Graphs whose status is to be compared. A queue of its own: no policy waits until a status is written."""

_log = logging.getLogger(__name__)


class Reporter:
    """Compares what the status should be with what it is, and writes it where they differ.

    `receive` takes the answers: the first sight of a newer spec may be in one of them.
    """

    def __init__(
        self,
        client: ApiClient,
        state: State,
        events: Events,
        receive: Receive,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._state = state
        self._events = events
        self._receive = receive
        self._clock = clock

    async def run(self, reports: Reports) -> None:
        """Report until cancelled; any number of these may be under way."""
        while True:
            graph, _ = await reports.get()
            try:
                await self.report(graph)
                reports.forget(graph, STATUS)
            except ApiError as error:
                delay = reports.retry(graph, STATUS, error.retry_after or 0.0)
                _log.warning("status of %s is not written, again in %.1f s: %s", graph, delay, error)
            finally:
                reports.done(graph)

    async def report(self, key: GraphKey) -> None:
        """Write the status of a graph if it is out of date. Raises ApiError."""
        live = self._state.graphs.get(key)
        status = self._status(live) if live is not None else None
        if live is None or status is None or same(status, live.status):
            return
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "status": status,
        }
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{key.namespace}/{PLURAL}/{key.name}/status"
        try:
            answer = await self._client.apply(path, body)
        except ApiError as error:
            if error.status == 404:
                return
            raise
        self._receive("MODIFIED", answer)
        _log.info("status of %s: %s", key, _summary(status))
        for event in transitions(live.status, status):
            self._events.tell(key, live.uid, event)

    def _status(self, live: LiveGraph) -> dict[str, Any] | None:
        now = stamp(self._clock())
        if live.problems:
            return build_invalid(live.problems, live.generation, live.status, now)
        result = self._state.results.get(live.key)
        if result is None or result.graph.generation != live.generation:
            return None
        outcome, more = self._outcome(live), self._problems(live)
        return build(result, outcome, more, live.generation, live.status, now)

    def _outcome(self, live: LiveGraph) -> Outcome:
        namespace = live.key.namespace
        pending = sum(graph == live.key for graph in self._state.pending[namespace].values())
        failures = tuple(
            failure
            for (ns, name), failure in sorted(self._state.failures.items())
            if ns == namespace and self._state.graph_of((ns, name)) == live.key
        )
        result = self._state.results[live.key]
        dry = [p.name for p in result.policies if p.mode is Mode.DRY_RUN and p.kind is not PolicyKind.EXEMPTION]
        whole = result.graph.mode is Mode.DRY_RUN
        would = held(self._state.view(namespace), live.uid if whole else "", dry) if dry or whole else None
        return Outcome(pending, failures, would, self._proof(live, result), self._unmodelled(live))

    def _proof(self, live: LiveGraph, result: GraphResult) -> Finding:
        """What the proof says of the graph's services, and of the namespace where it is denied by this graph."""
        services = sorted(service.key for service in live.graph.services) if live.graph else []
        parts: list[Place] = [*services]
        if any(policy.kind is PolicyKind.DEFAULT_DENY for policy in result.policies):
            parts.append(live.key.namespace)
        found = [finding for part in parts if (finding := self._state.findings.get(part))]
        return Finding(
            tuple(sentence for finding in found for sentence in finding.wrong),
            tuple(sentence for finding in found for sentence in finding.trusted),
            any(finding.unproven for finding in found),
        )

    def _unmodelled(self, live: LiveGraph) -> str:
        """Policies that can select the graph's pods and that nobody can prove anything about."""
        namespace = live.key.namespace
        unread = [f"{resource_of(p.name).kind} {p.name}" for p in self._state.foreign(namespace) if p.rules is None]
        others = [self._state.unmodelled.get(scope, "") for scope in ("", namespace)]
        return ", ".join(filter(None, [*others, *unread]))

    def _problems(self, live: LiveGraph) -> list[Problem]:
        """What only the controller can see."""
        if live.graph is None:
            return []
        paths = {service.key: service.path for service in live.graph.services}
        found = [
            Problem(Code.COVERAGE_GAP, Severity.WARNING, live.key, paths[service], _gap(service, selector))
            for service, selector in self._state.gaps.items()
            if service in paths
        ]
        if self._state.unenforced and live.graph.services:
            found.append(Problem(Code.NOT_ENFORCED, Severity.WARNING, live.key, ".spec", self._state.unenforced))
        policies = self._state.view(live.key.namespace).live
        for policy in self._state.results[live.key].policies:
            if rendered_name(policy.name) in policies:
                path = paths.get(policy.service, ".spec") if policy.service else ".spec.isolation"
                found.append(Problem(Code.RENDERED_COPY, Severity.WARNING, live.key, path, _copy(policy.name)))
            failure = self._state.failures.get((policy.namespace, policy.name))
            if failure is not None and failure.reason in (Code.NAME_TAKEN, Code.POLICY_REFUSED):
                path = paths.get(policy.service, ".spec") if policy.service else ".spec.isolation"
                found.append(Problem(Code(failure.reason), Severity.ERROR, live.key, path, failure.message))
        return found


def _gap(service: ServiceKey, selector: str) -> str:
    return (
        f"{service.name} moved to pods with {selector}, which no policy covered before: those that started earlier "
        "were not isolated. Next time, select the old and the new labels until the move is over"
    )


def _copy(name: str) -> str:
    copy = rendered_name(name)
    return (
        f"{resource_of(copy).kind} {copy} comes from `servicegraph render` and allows what it allowed then, in "
        "addition to the policies of the operator: delete it"
    )


def _summary(status: Mapping[str, Any]) -> str:
    ready = next(c for c in status["conditions"] if c["type"] == "Ready")
    return f"Ready={ready['status']} {ready['reason']}, {status['problemCount']} problems"
