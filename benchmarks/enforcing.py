"""How long a change of labels takes to be enforced, on a cluster whose network plugin enforces policies.

A Service that a graph calls is led to pods with other labels, which no policy knew. All times count from the API
server's answer to that change. Written: until a watch tells of the new policies of caller and callee. Enforced: until
the caller's packets pass to the new pod, and those of a stranger no more; each tries 100 times a second, timed by the
clock of its node.
"""

import json
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from tests.e2e.load import Load, Summary, go_on, loads
from tests.e2e.pods import pod_spec
from tests.integration.kube import Kube, Object
from tests.integration.look import settled
from tests.waiting import eventually

COLOURS = 7
"""Pods to lead the Service to in turn: more than the former selectors that the operator keeps, so each is new again."""

_CALLERS = ("caller", "stranger")
_RATE = 100
_TIMEOUT = "200ms"
_BEFORE_SECONDS = 0.3
_CALL_SECONDS = 0.1


class Change(msgspec.Struct, frozen=True):
    """Seconds until the last policy was written, until the caller's packets passed, until the stranger's did not."""

    written: float
    opened: float
    closed: float

    @property
    def enforced(self) -> float:
        """Until every packet is decided right."""
        return max(self.opened, self.closed)


class _Watch:
    """The specs of a namespace's policies as they are written, with the moment."""

    def __init__(self, namespace: str) -> None:
        columns = 'jsonpath={.spec}{"\\n"}'
        command = ["kubectl", "get", "networkpolicies", "--namespace", namespace, "--watch", "--output", columns]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._seen: list[tuple[datetime, Object]] = []
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: self._seen, "the watch tells what there is", poll=_CALL_SECONDS)

    def written(self, labels: dict[str, str], since: datetime) -> datetime | None:
        """When the later was written of the policy for pods with these labels and of one that lets others call them."""
        selector = {"matchLabels": labels}
        seen = [(at, spec) for at, spec in self._seen if at >= since]
        subject = next((at for at, spec in seen if spec["podSelector"] == selector), None)
        peer = next((at for at, spec in seen if {"podSelector": selector} in _peers(spec)), None)
        return max(subject, peer) if subject and peer else None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._seen.append((datetime.now(UTC), json.loads(line)))


def label_changes(kube: Kube, count: int) -> Iterator[Change]:
    """Lead the Service elsewhere, so many times."""
    with _stage(kube) as namespace:
        watch = _Watch(namespace)
        try:
            for index in range(count):
                yield _change(kube, namespace, watch, (index + 1) % COLOURS)
        finally:
            watch.stop()


def _change(kube: Kube, namespace: str, watch: _Watch, colour: int) -> Change:
    address = (kube.get("Pod", namespace, f"callee-{colour}") or {})["status"]["podIP"]
    target = f"tcp://{address}:8080"
    eventually(lambda: _answers(namespace, "stranger", target), "a pod that nothing covers is open", poll=_CALL_SECONDS)
    eventually(lambda: not _answers(namespace, "caller", target), "the caller may not call it", poll=_CALL_SECONDS)
    running = [Load(namespace, caller, [target], _RATE, _TIMEOUT) for caller in _CALLERS]
    with loads(*running):
        go_on(_BEFORE_SECONDS)
        kube.apply(_service(namespace, colour))
        began = datetime.now(UTC)
        eventually(lambda: _answers(namespace, "caller", target), "the caller's packets pass", poll=_CALL_SECONDS)
        eventually(lambda: not _answers(namespace, "stranger", target), "a stranger's do not", poll=_CALL_SECONDS)
        (opened,), (closed,) = (load.stop() for load in running)
    eventually(lambda: watch.written(_labels(colour), began), "the watch tells of the policies", poll=_CALL_SECONDS)
    written = watch.written(_labels(colour), began) or began
    return Change(_since(began, written), _since(began, _first(opened, began)), _since(began, _last(closed, began)))


def _first(calls: Summary, began: datetime) -> datetime:
    assert calls.first_answer and calls.first_failures and calls.first_failures[0].at < began < calls.first_answer, (
        calls
    )
    return calls.first_answer


def _last(calls: Summary, began: datetime) -> datetime:
    assert calls.first_answer and calls.last_answer and calls.first_answer < began, calls
    return max(calls.last_answer, began)


def _since(began: datetime, at: datetime) -> float:
    return (at - began).total_seconds()


def _answers(namespace: str, pod: str, target: str) -> bool:
    command = ["kubectl", "exec", "--namespace", namespace, pod, "--", "workload", "call", "--timeout=1s", target]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return bool(json.loads(done.stdout)[0]["outcome"] == "answered")


def _peers(spec: Object) -> list[Object]:
    return [peer for rule in spec.get("egress", ()) for peer in rule.get("to", ())]


@contextmanager
def _stage(kube: Kube) -> Iterator[str]:
    """A namespace with a caller, a stranger, and a Service that leads to the first of many pods."""
    namespace = f"bench-{secrets.token_hex(3)}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    try:
        kube.apply(*(_pod(namespace, name, {"app": name}) for name in _CALLERS))
        kube.apply(*(_pod(namespace, f"callee-{colour}", _labels(colour)) for colour in range(COLOURS)))
        kube.apply(_service(namespace, 0), _graph(namespace))
        eventually(lambda: settled(kube, namespace, "bench"), "the graph is Ready", poll=_CALL_SECONDS)
        eventually(lambda: all(map(_ready, kube.list("Pod", namespace))), "the pods run", 240, _CALL_SECONDS)
        yield namespace
    finally:
        kube.delete("Namespace", "", namespace)


def _labels(colour: int) -> dict[str, str]:
    return {"app": "callee", "colour": f"c{colour}"}


def _service(namespace: str, colour: int) -> Object:
    spec = {"selector": _labels(colour), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "callee", "namespace": namespace}, "spec": spec}


def _graph(namespace: str) -> Object:
    caller = {"selects": [{"labels": {"app": "caller"}}], "calls": [{"service": "callee"}]}
    services = [{"name": "caller", **caller}, {"name": "callee", "ports": [{"name": "http", "port": 8080}]}]
    meta = {"name": "bench", "namespace": namespace}
    kind = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph"}
    return {**kind, "metadata": meta, "spec": {"services": services}}


def _pod(namespace: str, name: str, labels: dict[str, str]) -> Object:
    spec = pod_spec("serve", "--tcp=8080", ports=[("http", 8080, "TCP")])
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
