"""Kubernetes Events for people: what changed about a graph, told once."""

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from servicegraph.model.refs import GraphKey
from servicegraph.model.resource import API_VERSION, KIND
from servicegraph.sources.api import ApiClient, ApiError

CONTROLLER = "servicegraph.dev/operator"
SILENCE_SECONDS = 600.0
"""The same is not told again about the same graph for this long."""
MOST_AT_ONCE = 5
_LONGEST_NOTE = 1024
_BACKLOG = 1000

_log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True):
    """What happened: `reason` in one word, `note` in a sentence."""

    reason: str
    note: str
    warning: bool = False


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Event]:
    """What is new in a status: Ready or Stalled changed, or a problem that was not there.

    That policies are about to be written is nothing to tell.
    """
    was = {condition["type"]: condition["status"] for condition in before.get("conditions", ())}
    told: set[str] = set()
    for condition in after["conditions"]:
        kind, holds = condition["type"], condition["status"] == "True"
        lost = was.get(kind) == "True" and condition["reason"] != "Applying"
        if kind == "Ready" and was.get(kind) != condition["status"] and (holds or lost):
            told.add(condition["reason"])
            yield Event(condition["reason"], condition["message"], warning=not holds)
        if kind == "Stalled" and holds and was.get(kind) != "True" and was.get("Ready") != "True":
            told.add(condition["reason"])
            yield Event(condition["reason"], condition["message"], warning=True)
    known = {(problem["code"], problem["path"]) for problem in before.get("problems", ())}
    new = [p for p in after["problems"] if (p["code"], p["path"]) not in known and p["severity"] != "info"]
    for problem in [p for p in new if p["code"] not in told][:MOST_AT_ONCE]:
        yield Event(problem["code"], f"{problem['path']}: {problem['message']}", warning=True)


class Events:
    """Posts in the background; what cannot be posted is logged and forgotten."""

    def __init__(self, client: ApiClient, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._waiting: asyncio.Queue[tuple[GraphKey, str, Event]] = asyncio.Queue(_BACKLOG)
        self._told: dict[tuple[str, Event], float] = {}

    def tell(self, graph: GraphKey, uid: str, event: Event) -> None:
        """Post an event about a graph, unless the same was told a short while ago."""
        now = time.monotonic()
        self._told = {key: at for key, at in self._told.items() if now - at < SILENCE_SECONDS}
        if (uid, event) in self._told or self._waiting.full():
            return
        self._told[uid, event] = now
        self._waiting.put_nowait((graph, uid, event))

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            graph, uid, event = await self._waiting.get()
            try:
                path = f"/apis/events.k8s.io/v1/namespaces/{graph.namespace}/events"
                await self._client.create(path, self._body(graph, uid, event))
            except ApiError as error:
                _log.debug("event %s about %s is lost: %s", event.reason, graph, error)

    def _body(self, graph: GraphKey, uid: str, event: Event) -> dict[str, Any]:
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{graph.name}.{uuid4().hex[:16]}", "namespace": graph.namespace},
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "reason": event.reason,
            "note": event.note[:_LONGEST_NOTE],
            "type": "Warning" if event.warning else "Normal",
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "namespace": graph.namespace,
                "name": graph.name,
                "uid": uid,
            },
        }
