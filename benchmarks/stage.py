"""A control plane with a graph in it, an operator that may run there, and the API server's own clock."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare import apply_of, send
from benchmarks.graphs import Objects, make
from benchmarks.shape import Shape
from tests.integration.kube import Audit, Kube, Object
from tests.integration.operators import USER, Operator, install, operating
from tests.waiting import eventually
from tools.cluster import Cluster, running

POLICIES, STATUS = "networkpolicies", "servicegraphs/status"
ADMINISTRATOR = "admin"

_AS_DEPLOYED = {
    "lease_seconds": "15",
    "renew_seconds": "10",
    "retry_seconds": "2",
    "request_seconds": "10",
    "drain_poll_seconds": "10",
}
_DNS = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "kube-dns", "namespace": "kube-system"},
    "spec": {
        "selector": {"k8s-app": "kube-dns"},
        "ports": [{"name": f"dns-{p.lower()}", "port": 53, "protocol": p} for p in ("UDP", "TCP")],
    },
}


class Stage:
    """What the measurements use. `ours` are the operator's writes, `bare` the administrator's."""

    def __init__(self, cluster: Cluster, objects: Objects, folder: Path) -> None:
        assert cluster.audit_log is not None
        self.kube = Kube(cluster.kubeconfig)
        self.objects = objects
        self.ours = Audit(cluster.audit_log, USER)
        self.bare = Audit(cluster.audit_log, ADMINISTRATOR)
        self._folder = folder
        self._account = install(self.kube, folder)

    @contextmanager
    def operator(self, name: str = "operator", **settings: str) -> Iterator[Operator]:
        """An operator with the settings that people have."""
        with operating(self._account, self._folder, name, **(_AS_DEPLOYED | settings)) as operator:
            yield operator

    def takes_pods(self, namespace: Object) -> bool:
        """Whether a namespace has the ServiceAccount that pods run as."""
        path = f"/api/v1/namespaces/{namespace['metadata']['name']}/serviceaccounts/default"
        return self.kube.try_call("GET", path)[0] == 200

    def quiet(self, *resources: str, seconds: float = 1.0, at_least: int = 0) -> list[Object]:
        """The operator's writes, once it wrote that many and then none for a while."""
        found: list[Object] = []
        since = time.monotonic()
        while len(found) < at_least or time.monotonic() - since < seconds:
            time.sleep(0.05)
            writes = self.ours.writes(*resources)
            if len(writes) != len(found):
                found, since = writes, time.monotonic()
            if time.monotonic() - since > 120:
                raise AssertionError(f"the operator wrote {len(found)} of {at_least} and then nothing for 2 min")
        return found


@contextmanager
def staged(shape: Shape, say: Callable[[str], None]) -> Iterator[Stage]:
    """A control plane of its own with the objects of a shape.

    Its controllers stand still: what they would make of so many objects would be measured too.
    """
    say("starting a control plane")
    with running(name="benchmarks") as cluster, TemporaryDirectory() as folder:
        objects = make(shape)
        stage = Stage(cluster, objects, Path(folder))
        stage.kube.apply(_DNS, *objects.namespaces)
        eventually(lambda: all(map(stage.takes_pods, objects.namespaces)), "the namespaces take pods")
        controllers = cluster.pids["kube-controller-manager"]
        os.kill(controllers, signal.SIGSTOP)
        try:
            say(f"creating {sum(map(len, objects)):,} objects")
            send(stage.kube.kubeconfig, map(apply_of, (*objects.services, *objects.workloads, *objects.graphs)))
            yield stage
        finally:
            os.kill(controllers, signal.SIGCONT)


def answered(entries: Iterable[Object]) -> float:
    """When the last of these requests was answered, in seconds since the epoch."""
    return max(datetime.fromisoformat(entry["stageTimestamp"]).timestamp() for entry in entries)


def duration(entries: list[Object]) -> float:
    """Seconds from the first request to the last answer."""
    first = min(datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp() for entry in entries)
    return answered(entries) - first
