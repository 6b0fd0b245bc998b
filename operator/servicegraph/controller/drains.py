"""Asks, by LIST and never by a watch on Pods, whether pods still need what a service had before (R14)."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from servicegraph.controller.draining import (
    UNFINISHED,
    Candidate,
    PodPort,
    Terms,
    candidates,
    label_selector,
    needed,
    stamp,
    uncovered,
)
from servicegraph.controller.live import SINCE_ANNOTATION
from servicegraph.controller.state import State
from servicegraph.model.cluster import DrainingTerm
from servicegraph.model.policy import Mode, Policy
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.wire import Page, PodSpec

ASKED_AT_ONCE = 8
ANSWER_SECONDS = 2.0
"""Changes wait for the answer; without one in time the term stays, and is asked about again."""

_log = logging.getLogger(__name__)


class _Pod(msgspec.Struct, frozen=True):
    spec: PodSpec = PodSpec()

    @property
    def ports(self) -> frozenset[PodPort]:
        containers = (*self.spec.containers, *self.spec.init_containers)
        return frozenset((port.protocol, port.container_port) for c in containers for port in c.ports)


_pods = msgspec.json.Decoder(Page[_Pod]).decode
_any_pod = msgspec.json.Decoder(Page[msgspec.Raw]).decode


class Drains:
    """The terms that drain now, as the compiler was last told."""

    def __init__(
        self, client: ApiClient, state: State, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._state = state
        self._clock = clock
        self._active: dict[ServiceKey, tuple[Candidate, ...]] = {}
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)

    @property
    def services(self) -> frozenset[ServiceKey]:
        """Services with a term or port that drains."""
        return frozenset(self._active)

    def terms(self) -> dict[ServiceKey, tuple[DrainingTerm, ...]]:
        """Everything that drains."""
        return {service: tuple(c.term for c in found) for service, found in self._active.items()}

    @property
    def count(self) -> int:
        """How many terms drain."""
        return sum(len(found) for found in self._active.values())

    def annotations(self, policy: Policy) -> Mapping[str, str]:
        """Since when what a policy has to do with is draining, for the next leader to read."""
        found = (
            [c.since for c in self._active.get(policy.service, ()) if c.subject == policy.subject]
            if policy.service
            else ()
        )
        return {SINCE_ANNOTATION: stamp(min(found))} if found else {}

    def gaps(self, service: ServiceKey, current: Iterable[Selector]) -> tuple[Selector, ...]:
        """Terms the service moved to that none of its draining ones covers."""
        return uncovered(self._state.live_of(service), self._active.get(service, ()), tuple(current))

    async def settle(self, services: Mapping[ServiceKey, Terms]) -> dict[ServiceKey, tuple[DrainingTerm, ...]]:
        """What the compiler must be told anew about these services, given by their current terms."""
        found = await asyncio.gather(*(self._settle(service, current) for service, current in services.items()))
        told: dict[ServiceKey, tuple[DrainingTerm, ...]] = {}
        for service, active in zip(services, found, strict=True):
            before = self._active.pop(service, ())
            if active:
                self._active[service] = active
            if [c.term for c in active] != [c.term for c in before]:
                told[service] = tuple(candidate.term for candidate in active)
                self._report(service, before, active)
        return told

    async def _settle(self, service: ServiceKey, current: Terms) -> tuple[Candidate, ...]:
        if not self._drains(service):
            return ()
        began = {(c.subject, c.listening): c.since for c in self._active.get(service, ())}
        uids = self._state.graphs.uids(service.namespace)
        found = [
            msgspec.structs.replace(c, since=began.get((c.subject, c.listening), c.since))
            for c in candidates(self._state.live_of(service), current, uids, self._clock())
        ]
        answers = await asyncio.gather(*(self._ask(candidate) for candidate in found))
        return tuple(candidate for candidate, answer in zip(found, answers, strict=True) if answer)

    def _drains(self, service: ServiceKey) -> bool:
        """Whether the service is still declared, and not off everywhere."""
        return any(
            declared.key == service and declared.mode is not Mode.OFF
            for key in self._state.graphs.declaring(service)
            if (live := self._state.graphs.get(key)) and live.graph
            for declared in live.graph.services
        )

    async def _ask(self, candidate: Candidate) -> bool:
        path = f"/api/v1/namespaces/{candidate.service.namespace}/pods"
        labels = label_selector(candidate.subject)
        try:
            async with self._asking, asyncio.timeout(ANSWER_SECONDS):
                if candidate.ports:
                    page = await self._client.list_all(path, _pods, label_selector=labels, field_selector=UNFINISHED)
                    return needed(candidate, (pod.ports for pod in page.items))
                query = {"fieldSelector": UNFINISHED, "limit": "1"} | ({"labelSelector": labels} if labels else {})
                one = _any_pod(await self._client.request("GET", path, query=query))
                return bool(one.items)
        except (ApiError, TimeoutError) as error:
            _log.warning(
                "pods of %s cannot be listed, so its former term stays: %s",
                candidate.service,
                str(error) or "no answer",
            )
            return True

    def _report(self, service: ServiceKey, before: tuple[Candidate, ...], active: tuple[Candidate, ...]) -> None:
        for words, some, others in (("drains", active, before), ("is drained", before, active)):
            for candidate in some:
                if candidate.term not in [other.term for other in others]:
                    what = f"ports {sorted(candidate.ports)} of" if candidate.ports else ""
                    _log.info("%s: %s term %s %s", service, what, label_selector(candidate.subject), words)
