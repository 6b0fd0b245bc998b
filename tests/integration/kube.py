"""A small client for tests: an administrator who writes objects and looks at what became of them."""

import asyncio
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from servicegraph.sources.connection import from_kubeconfig

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
MANAGER = "tests"

_PLURALS = {
    "Namespace": "namespaces",
    "Node": "nodes",
    "Service": "services",
    "Pod": "pods",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "EndpointSlice": "endpointslices",
    "NetworkPolicy": "networkpolicies",
    "CiliumNetworkPolicy": "ciliumnetworkpolicies",
    "CustomResourceDefinition": "customresourcedefinitions",
    "ServiceGraph": "servicegraphs",
    "Event": "events",
    "Lease": "leases",
    "Application": "applications",
    "AppProject": "appprojects",
}
_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "CiliumNetworkPolicy": "cilium.io/v2",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "ServiceGraph": "servicegraph.dev/v1alpha1",
    "Event": "events.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "Application": "argoproj.io/v1alpha1",
    "AppProject": "argoproj.io/v1alpha1",
}


class Refused(AssertionError):  # noqa: N818 an answer, not an error of ours
    """The API server said no."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status


class Kube:
    """Requests as the user of a kubeconfig; one connection for each thread."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        connection = from_kubeconfig(kubeconfig)
        self._server = urlsplit(connection.server)
        self._tls = connection.tls or ssl.create_default_context()
        self._authorization = asyncio.run(connection.credentials.header())
        self._local = threading.local()

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Any:
        """The decoded answer. Raises Refused."""
        status, answer = self.try_call(method, path, body, content_type, **query)
        if status >= 400:
            raise Refused(status, answer)
        return answer

    def try_call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> tuple[int, Any]:
        """Status code and decoded answer."""
        status, answer = self._exchange(method, path, body, content_type, **query)
        return status, json.loads(answer or b"{}")

    def watch(self, kind: str, version: str) -> list[Object]:
        """The events of a kind, in all namespaces, since a version of its list and up to what is live."""
        live = self.call("GET", path_of(kind, ""))["items"]
        last = max((int(item["metadata"]["resourceVersion"]) for item in live), default=0)
        events: list[Object] = []
        while True:
            query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "1"}
            status, answer = self._exchange("GET", path_of(kind, ""), **query)
            if status >= 400:
                raise Refused(status, answer)
            events += map(json.loads, answer.splitlines())
            version = events[-1]["object"]["metadata"]["resourceVersion"] if events else version
            if int(version) >= last:
                return events

    def apply(self, *objects: Object) -> None:
        """Server-side apply of objects that name their namespace."""
        for found in objects:
            path = path_of(found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"])
            self.call("PATCH", path, found, APPLY, fieldManager=MANAGER, force="true")

    def patch(self, kind: str, namespace: str, name: str, patch: Object, manager: str = MANAGER) -> Object:
        """JSON merge patch."""
        found: Object = self.call("PATCH", path_of(kind, namespace, name), patch, MERGE, fieldManager=manager)
        return found

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, None where there is none."""
        status, answer = self.try_call("GET", path_of(kind, namespace, name))
        if status == 404:
            return None
        if status >= 400:
            raise Refused(status, answer)
        return dict(answer)

    def list(self, kind: str, namespace: str) -> list[Object]:
        """Objects of a namespace, by name."""
        items = self.call("GET", path_of(kind, namespace))["items"]
        return sorted(items, key=lambda item: item["metadata"]["name"])

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, if it is there."""
        status, answer = self.try_call("DELETE", path_of(kind, namespace, name))
        if status not in (200, 202, 404):
            raise Refused(status, answer)

    def _exchange(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> tuple[int, bytes]:
        target = path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        headers = {"Content-Type": content_type}
        if self._authorization:
            headers["Authorization"] = self._authorization
        data = None if body is None else json.dumps(body)
        for last in (False, True):
            try:
                self._connection.request(method, target, body=data, headers=headers)
                response = self._connection.getresponse()
                return response.status, response.read()
            except (http.client.HTTPException, OSError):
                self._connection.close()
                if last:
                    raise
        raise AssertionError("unreachable")

    @property
    def _connection(self) -> http.client.HTTPSConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPSConnection(
                self._server.hostname or "", self._server.port, context=self._tls, timeout=30
            )
        found: http.client.HTTPSConnection = self._local.connection
        return found


class Audit:
    """What one user has asked to write since it was made, as the API server's audit log has it."""

    def __init__(self, log: Path, user: str) -> None:
        self._log = log
        self._user = user
        self.reset()

    def reset(self) -> None:
        """Forget what was asked for so far. A line may come after what it is about is there to be seen."""
        self._start = self._log.stat().st_size
        self._since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"

    def writes(self, namespace: str, *resources: str) -> list[Object]:
        """Requests that were answered in a namespace, on these resources (`servicegraphs/status`) or on any.

        Never those of all namespaces: the operator is still busy with what an earlier test left behind.
        """
        entries = [entry for entry in self._entries() if entry["objectRef"].get("namespace") == namespace]
        return [entry for entry in entries if not resources or _resource(entry) in resources]

    def writes_in(self, namespace: str) -> list[tuple[str, str, str]]:
        """Verb, resource and name of everything it wrote in a namespace."""
        return [_written(entry) for entry in self.writes(namespace)]

    def writes_anywhere(self) -> list[tuple[str, str, str]]:
        """The same of everything that it wrote."""
        return [_written(entry) for entry in self._entries()]

    def _entries(self) -> Iterator[Object]:
        for entry in audit_entries(self._log, self._start):
            late = entry["requestReceivedTimestamp"] > self._since and entry["stage"] == "ResponseComplete"
            if late and entry["user"]["username"] == self._user:
                yield entry


def audit_entries(log: Path, start: int = 0) -> Iterator[Object]:
    """What an audit log has from a byte on, without a last line that is still being written."""
    with log.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The URL path of a collection or an object."""
    version = _VERSIONS.get(kind, "v1")
    parts = ("apis" if "/" in version else "api", version, *(("namespaces", namespace) if namespace else ()))
    return "/" + "/".join(part for part in (*parts, _PLURALS[kind], name) if part)


def _written(entry: Object) -> tuple[str, str, str]:
    return entry["verb"], _resource(entry), entry["objectRef"].get("name", "")


def _resource(entry: Object) -> str:
    about = entry["objectRef"]
    return "/".join(part for part in (about["resource"], about.get("subresource", "")) if part)
