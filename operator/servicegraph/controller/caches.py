"""Copies of the kinds that are compiled, kept current by list-watches, and the policies that are live."""

import asyncio
import logging
from collections.abc import Container
from typing import Any

import msgspec

from servicegraph.adopt.enforcement import enforcement
from servicegraph.controller.engine import EVERYTHING, Queue
from servicegraph.controller.inbox import Inbox
from servicegraph.controller.live import LivePolicy, PolicyKey, managed
from servicegraph.controller.policykinds import CILIUM_POLICIES, NETWORK_POLICIES, WirePolicy, resource_of
from servicegraph.controller.state import State
from servicegraph.model.cluster import Namespace
from servicegraph.model.policy import Engine
from servicegraph.model.refs import WorkloadKey
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.listwatch import ListWatch
from servicegraph.sources.objects import ENDPOINT_SLICES, NAMESPACES, NODES, SERVICES, WORKLOADS, NodeAddresses
from servicegraph.sources.resources import Resource
from servicegraph.sources.wire import Page

NODES_SECONDS = 5.0

_log = logging.getLogger(__name__)
_policies = msgspec.json.Decoder(Page[WirePolicy]).decode
_FIELDS: dict[str, str] = {SERVICES.kind: "services", ENDPOINT_SLICES.kind: "endpoint_slices"} | {
    resource.kind: "workloads" for resource in WORKLOADS
}


class Caches:
    """List-watches of every kind, of the whole cluster or of `namespaces` only.

    Restricted to namespaces, Namespaces and Nodes are not watched, because only a ClusterRole could permit it:
    the namespaces are known by name, the nodes by the profile.
    """

    def __init__(
        self, client: ApiClient, namespaces: tuple[str, ...], inbox: Inbox, state: State, queue: Queue
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._inbox = inbox
        self._state = state
        self._queue = queue
        self._nodes_woken = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._daemon_sets: set[WorkloadKey] = set()
        self._nodes: dict[str, NodeAddresses] = {}
        compiled: tuple[Resource[Any, Any], ...] = (SERVICES, ENDPOINT_SLICES, *WORKLOADS)
        self._watches: list[ListWatch[Any, Any]] = [
            self._compiled(resource, namespace) for namespace in namespaces or ("",) for resource in compiled
        ]
        self._policy_watches = [self._policies(NETWORK_POLICIES, namespace) for namespace in namespaces or ("",)]
        self._watches += self._policy_watches
        if namespaces:
            for namespace in namespaces:
                inbox.put("namespaces", namespace, Namespace(namespace, {"kubernetes.io/metadata.name": namespace}))
        else:
            self._watches.append(ListWatch(client, NAMESPACES, self._on_namespace))
            self._watches.append(ListWatch(client, NODES, self._on_node))

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Keep the copies current from now on, as tasks of this group."""
        self._tasks = tasks
        for watch in self._watches:
            tasks.create_task(watch.run())

    async def follow_cilium(self) -> bool:
        """Keep a copy of Cilium's policies too; returns when it is complete, whether there are policies of ours."""
        known = any(watch.resource is CILIUM_POLICIES for watch in self._policy_watches)
        if not known and self._tasks is not None:
            added = [self._policies(CILIUM_POLICIES, namespace) for namespace in self._namespaces or ("",)]
            self._policy_watches += added
            self._watches += added
            for watch in added:
                self._tasks.create_task(watch.run())
        found = [watch for watch in self._policy_watches if watch.resource is CILIUM_POLICIES]
        await asyncio.gather(*(watch.synced.wait() for watch in found))
        return any(watch.items for watch in found)

    async def synced(self) -> None:
        """Wait until every copy is complete."""
        await asyncio.gather(*(watch.synced.wait() for watch in self._watches))
        self._note_enforcement()
        if self._state.unenforced:
            _log.warning("%s", self._state.unenforced)

    def staleness(self) -> dict[str, float]:
        """Seconds since each kind was known to be current, the oldest of its copies."""
        found: dict[str, float] = {}
        for watch in self._watches:
            found[watch.resource.kind] = max(found.get(watch.resource.kind, 0.0), watch.staleness)
        return found

    def trouble(self) -> str | None:
        """What keeps a copy from being complete, in words."""
        return next(
            (
                watch.trouble or f"{watch.resource.plural} not listed yet"
                for watch in self._watches
                if not watch.synced.is_set()
            ),
            None,
        )

    async def resync(self) -> None:
        """Read every policy anew, as far as the API server lists them, and have all of it compared."""
        for watch in tuple(self._policy_watches):
            try:
                await self._read_policies(watch.resource, watch.namespace)
            except ApiError as error:
                _log.warning("%s are not read anew this time: %s", watch.resource.plural, error)
        self.compare_all()

    def compare_all(self) -> None:
        """Have every policy compared with what it should be, and every graph reported on."""
        for namespace in self._state.namespaces():
            self._queue.add(namespace, (EVERYTHING, *self._state.view(namespace).graphs))

    async def _read_policies(self, resource: Resource[PolicyKey, LivePolicy], namespace: str) -> None:
        page = await self._client.list_all(resource.path(namespace), _policies)
        listed: set[PolicyKey] = set()
        for item in page.items:
            key, policy, _ = resource.read(item)
            listed.add(key)
            if policy is not None:
                self._state.answered(policy)
        self._drop_unlisted(resource, namespace, listed, page.metadata.resource_version)

    def _drop_unlisted(
        self, resource: Resource[PolicyKey, LivePolicy], namespace: str, listed: Container[PolicyKey], version: str
    ) -> None:
        """Forget what a list does not have: a policy known from an answer may be gone before a watch saw it."""
        for known in self._state.live(namespace):
            if resource_of(known.name) is not resource:
                continue
            key = (known.namespace, known.name)
            if key not in listed and int(known.version) <= int(version) and self._state.gone(key, known.uid):
                self._queue.add(known.namespace, (known.name,))

    def _note_enforcement(self) -> None:
        """The DaemonSets of the cluster changed. Those of some namespaces tell nothing: the agent is elsewhere."""
        if self._namespaces:
            return
        doubt = enforcement(self._daemon_sets).doubt
        if doubt != self._state.unenforced:
            self._state.unenforced = doubt
            self.compare_all()

    async def nodes_changed(self, longest: float) -> None:
        """Return some seconds after nodes came or went, or after `longest` seconds."""
        try:
            async with asyncio.timeout(longest):
                await self._nodes_woken.wait()
                await asyncio.sleep(NODES_SECONDS)
        except TimeoutError:
            pass
        self._nodes_woken.clear()

    def _policies(self, resource: Resource[PolicyKey, LivePolicy], namespace: str) -> ListWatch[PolicyKey, LivePolicy]:
        engine = Engine.CILIUM if resource is CILIUM_POLICIES else Engine.NETWORK_POLICY

        def on_change(key: PolicyKey, old: LivePolicy | None, new: LivePolicy | None) -> None:
            self._on_policy(key, old, new)
            if found.version:
                self._state.told(engine, namespace, found.version)

        def on_list() -> None:
            self._drop_unlisted(resource, namespace, found.items, found.version)
            self._state.told(engine, namespace, found.version)

        found = ListWatch(self._client, resource, on_change, namespace=namespace, on_list=on_list)
        return found

    def _compiled(self, resource: Resource[Any, Any], namespace: str) -> ListWatch[Any, Any]:
        field = _FIELDS[resource.kind]

        def on_change(key: Any, old: Any, new: Any) -> None:
            self._inbox.put(field, key, new)
            if resource.kind == "DaemonSet" and (old is None) != (new is None):
                (self._daemon_sets.discard if new is None else self._daemon_sets.add)(key)
                self._note_enforcement()

        return ListWatch(self._client, resource, on_change, namespace=namespace)

    def _on_namespace(self, key: str, _: Namespace | None, new: Namespace | None) -> None:
        self._inbox.put("namespaces", key, new)

    def _on_node(self, key: str, _: NodeAddresses | None, new: NodeAddresses | None) -> None:
        if new is None:
            self._nodes.pop(key, None)
        else:
            self._nodes[key] = new
        self._nodes_woken.set()
        self._inbox.put_nodes(tuple(sorted({a for node in self._nodes.values() for a in node.addresses})))

    def _on_policy(self, key: PolicyKey, old: LivePolicy | None, new: LivePolicy | None) -> None:
        namespace, name = key
        if new is not None:
            if not self._state.saw(new):
                return
        elif old is None or not self._state.gone(key, old.uid):
            return
        if self._state.touched:
            self._inbox.wake()
        if managed(name):
            self._queue.add(namespace, (name,))
        elif name.startswith("rendered-"):
            self._queue.add(namespace, self._state.view(namespace).graphs)
