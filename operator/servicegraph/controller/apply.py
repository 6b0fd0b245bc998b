"""Policies are written here and nowhere else."""

import asyncio
import logging
from collections.abc import Collection, Mapping

import msgspec

from servicegraph.compiler.emit.names import DEFAULT_DENY
from servicegraph.controller.compare import Action, Verb, matches
from servicegraph.controller.live import LivePolicy, PolicyKey, engine_of, service_of
from servicegraph.controller.manifests import body, without_additions, without_marks_of_others
from servicegraph.controller.metrics import Metrics, result_of
from servicegraph.controller.plan import Plan
from servicegraph.controller.policykinds import read_policy, resource_of
from servicegraph.controller.state import State
from servicegraph.controller.status import Failure
from servicegraph.model.resource import GROUP, PLURAL, VERSION
from servicegraph.sources.api import APPLY, FIELD_MANAGER, ApiClient, ApiError

_log = logging.getLogger(__name__)
NAMESPACE_SECONDS = 10.0
OTHER_KIND_SECONDS = 5.0
"""Between a policy and the removal of its predecessor of another kind: agents watch the kinds apart, and may see the
removal first."""

_CHANGED = (400, 404, 409)


class Refusal(msgspec.Struct, frozen=True):
    """Why a write did not happen. `again` is when to try: None for as soon as the object has been read anew."""

    failure: Failure
    again: float | None = None


class Applier:
    """Carries out plans and keeps `state` up to date with the answers.

    `in_flight` writes of one namespace are under way at once: fewer than the client allows, so that others get
    their turn. No write can hit an object other than the one it was decided on: an update or delete names a
    resourceVersion, and a create is an apply that is not forced, which fails where somebody else's policy has the
    name and differs.
    """

    def __init__(self, client: ApiClient, state: State, metrics: Metrics, in_flight: int) -> None:
        self._client = client
        self._state = state
        self._metrics = metrics
        self._in_flight = in_flight

    async def run(self, namespace: str, plan: Plan, skip: Mapping[str, Refusal]) -> tuple[set[str], dict[str, Refusal]]:
        """Carry out a plan but for the names in `skip` and what needs them: what succeeded, and what did not."""
        refused: dict[str, Refusal] = {}
        succeeded: set[str] = set()
        held = set(skip) | plan.taken
        for phase in plan.phases:
            ready = [a for a in phase if a.name not in held and not a.needs & held]
            held.update(a.name for a in phase if a.name not in held and a.needs & held)
            if any(_replaced(action, succeeded) for action in ready):
                await asyncio.sleep(OTHER_KIND_SECONDS)
            limit = asyncio.Semaphore(self._in_flight)
            answers = await asyncio.gather(*(self._limited(limit, namespace, action) for action in ready))
            for action, refusal in zip(ready, answers, strict=True):
                if refusal is None:
                    succeeded.add(action.name)
                else:
                    refused[action.name] = refusal
                    held.add(action.name)
        return succeeded, refused

    async def _limited(self, limit: asyncio.Semaphore, namespace: str, action: Action) -> Refusal | None:
        async with limit:
            return await self._write((namespace, action.name), action)

    async def _write(self, key: PolicyKey, action: Action) -> Refusal | None:
        if fault := _fault(action):
            return Refusal(Failure(key[1], "Inexact", fault, lasting=True), 0.0)
        refusal: Refusal | None = None
        try:
            if action.verb is Verb.DELETE:
                await self._delete(key, action)
            elif await self._is_orphan(key, action):
                return Refusal(Failure(key[1], "Retrying", f"no graph isolates namespace {key[0]} any more"), 0.0)
            else:
                refusal = await self._apply(key, action)
        except ApiError as error:
            self._count(action, result_of(error))
            return await self._refused(key, action, error)
        self._count(action, "ok")
        _log.info("%s policy %s/%s", action.verb.value, *key)
        return refusal

    def _count(self, action: Action, result: str) -> None:
        self._metrics.writes.labels(resource_of(action.name).plural, action.verb.value, result).inc()

    async def _apply(self, key: PolicyKey, action: Action) -> Refusal | None:
        if action.wanted is None:
            return None
        path = resource_of(key[1]).path(*key)
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if action.verb is Verb.UPDATE else "false"}
        manifest = body(action, action.wanted)
        answer = await self._client.request("PATCH", path, query=query, body=manifest, content_type=APPLY)
        found = self._saw(answer)
        if action.open or action.reserve or matches(action.wanted, found, action.owners):
            return None
        patch = without_marks_of_others(action, found) | without_additions(manifest, msgspec.json.decode(answer))
        found = self._saw(msgspec.json.encode(await self._client.merge(path, patch)))
        if matches(action.wanted, found, action.owners):
            return None
        return Refusal(Failure(key[1], "Retrying", f"policy {key[1]} was accepted, but not as it was written"), 0.0)

    async def _is_orphan(self, key: PolicyKey, action: Action) -> bool:
        """Whether this creates a default deny whose graphs are gone. Raises ApiError.

        The garbage collector removes the deny of a deleted graph, and that may be seen before the graph's deletion:
        a deny that comes back then would cut what the policies that are collected next allow.
        """
        if action.verb is not Verb.CREATE or key[1] != DEFAULT_DENY:
            return False
        for owner in action.owners:
            try:
                found = await self._client.get(f"/apis/{GROUP}/{VERSION}/namespaces/{key[0]}/{PLURAL}/{owner.name}")
            except ApiError as error:
                if error.status != 404:
                    raise
                continue
            if found["metadata"]["uid"] == owner.uid and "deletionTimestamp" not in found["metadata"]:
                return False
        return True

    async def _delete(self, key: PolicyKey, action: Action) -> None:
        if action.live is None:
            return
        try:
            await self._client.delete(
                resource_of(key[1]).path(*key), uid=action.live.uid, resource_version=action.live.version
            )
        except ApiError as error:
            if error.status != 404:
                raise
        self._state.gone(key, action.live.uid)

    async def _refused(self, key: PolicyKey, action: Action, error: ApiError) -> Refusal:
        name = key[1]
        if error.is_namespace_ending:
            return Refusal(Failure(name, "Retrying", f"namespace {key[0]} is being deleted"), NAMESPACE_SECONDS)
        if error.status == 404 and action.verb is Verb.CREATE:
            plural = resource_of(name).plural
            message = f"the API server has no {plural}: install Cilium, or write another engine into the profile"
            return Refusal(Failure(name, "PolicyRefused", message, lasting=True), 0.0)
        if error.status in _CHANGED:
            await self._read_again(key, action.live)
            return Refusal(Failure(name, "Changed", f"policy {name} changed while it was written"))
        if error.status == 403:
            message = (
                f"writing policy {name} is forbidden: grant the operator create, patch and delete "
                f"on {resource_of(name).plural} ({error.message})"
            )
            return Refusal(Failure(name, "Forbidden", message, lasting=True), 0.0)
        if error.is_transient:
            message = f"policy {name} is not written yet: {error}"
            return Refusal(Failure(name, "Retrying", message), error.retry_after or 0.0)
        message = f"the API server refuses policy {name}: {error.message}"
        return Refusal(Failure(name, "PolicyRefused", message, lasting=True), 0.0)

    async def _read_again(self, key: PolicyKey, before: LivePolicy | None) -> None:
        """Replace what is known of a policy by what is true now."""
        try:
            self._saw(await self._client.request("GET", resource_of(key[1]).path(*key)))
        except ApiError as error:
            if error.status == 404 and before is not None:
                self._state.gone(key, before.uid)

    def _saw(self, answer: bytes) -> LivePolicy:
        found = read_policy(answer)
        self._state.answered(found)
        return found


def _replaced(action: Action, written: Collection[str]) -> bool:
    """Whether this deletes a policy whose service has just got one of another kind."""
    if action.verb is not Verb.DELETE:
        return False
    service, engine = service_of(action.name), engine_of(action.name)
    return any(service_of(name) == service and engine_of(name) is not engine for name in written)


def _fault(action: Action) -> str | None:
    """Why a policy is not what the graph declares: then it is not written, and what is live stays."""
    check = action.wanted.check if action.wanted is not None else None
    if check is None or check.fault is None:
        return None
    return f"policy {action.name} would not allow exactly what is declared, so it is not written: {check.fault}"
