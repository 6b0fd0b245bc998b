"""What the operator costs on a real API server, beside a client that only sends the same requests."""

import random
import time
from typing import cast

import msgspec
import psutil

from benchmarks.bare import Request, apply_of, send
from benchmarks.compiling import changes_of, relabelled
from benchmarks.stage import POLICIES, STATUS, Stage, answered, duration
from servicegraph.compiler.changes import Changes
from servicegraph.compiler.incremental import Compiler
from servicegraph.model.cluster import Service
from servicegraph.model.profile import STANDARD
from servicegraph.sources.objects import decode
from tests.integration.kube import Object, path_of
from tests.integration.operators import Operator
from tests.waiting import eventually

MIRROR = "mirror"
"""A namespace without graphs, where the bare client writes the same policies, by names that are not the operator's."""

_KEPT = ("labels", "annotations", "ownerReferences")


class Compared(msgspec.Struct, frozen=True):
    """Seconds the operator took, seconds the bare client took, writes, and how many policies differed."""

    operator: float
    bare: float
    writes: int
    expected: int


def megabytes(operator: Operator) -> float:
    """The memory it has resident now."""
    return float(psutil.Process(operator.pid).memory_info().rss) / 1024 / 1024


def first_apply(stage: Stage, operator: Operator) -> Compared:
    """From caches complete to the last policy."""
    eventually(lambda: operator.answers("/readyz") is not None, "the operator is ready", 300)
    ready = time.time()
    services = len(stage.objects.services)
    writes = stage.quiet(POLICIES, at_least=services, seconds=3)
    stage.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MIRROR}})
    policies = stage.kube.list("NetworkPolicy", stage.objects.namespaces[0]["metadata"]["name"])
    bare = _bare(stage, [apply_of(_mirrored(policy)) for policy in policies])
    return Compared(answered(writes) - ready, bare, len(writes), services)


def label_changes(stage: Stage, count: int) -> list[Compared]:
    """One Service after the other selects other pods. The operator runs, and MIRROR has what it wrote so far."""
    compiler = Compiler(STANDARD)
    compiler.update(changes_of(stage.objects))
    chosen = random.Random(11).sample(range(len(stage.objects.services)), count)
    return [_label_change(stage, compiler, index) for index in chosen]


def writes_when_nothing_differs(stage: Stage, pods: int) -> dict[str, int]:
    """Writes to policies and statuses for pod churn and resyncs, a restart, and a change of the leader."""
    found = {}
    stage.ours.reset()
    with stage.operator("restarted", resync_seconds="2") as restarted:
        _works(restarted)
        found["restart"] = len(stage.quiet(POLICIES, STATUS, seconds=5))
        stage.ours.reset()
        _churn(stage, pods)
        found["pod churn and resyncs"] = len(stage.quiet(POLICIES, STATUS, seconds=7))
        stage.ours.reset()
        with stage.operator("successor") as successor:
            eventually(lambda: successor.answers("/readyz") is not None, "the successor is ready", 60)
            restarted.stop()
            _works(successor)
            found["leader change"] = len(stage.quiet(POLICIES, STATUS, seconds=5))
    return found


def _label_change(stage: Stage, compiler: Compiler, index: int) -> Compared:
    changed = relabelled(stage.objects, index)
    service = cast(Service, decode(changed))
    delta = compiler.update(Changes(services={service.key: service}))
    stage.ours.reset()
    selector = {"spec": {"selector": changed["spec"]["selector"]}}
    stage.kube.patch("Service", service.key.namespace, service.key.name, selector)
    began = time.time()
    writes = stage.quiet(POLICIES, at_least=len(delta.policies))
    policies = {name: stage.kube.get("NetworkPolicy", namespace, name) for namespace, name in sorted(delta.policies)}
    bare = _bare(stage, [_mirror(name, policy) for name, policy in policies.items()])
    return Compared(answered(writes) - began, bare, len(writes), len(delta.policies))


def _bare(stage: Stage, requests: list[Request]) -> float:
    stage.bare.reset()
    send(stage.kube.kubeconfig, requests)
    return duration(stage.bare.writes(POLICIES))


def _mirror(name: str, policy: Object | None) -> Request:
    if policy is None:
        return Request(path_of("NetworkPolicy", MIRROR, _mirror_name(name)), None)
    return apply_of(_mirrored(policy))


def _mirrored(policy: Object) -> Object:
    metadata = {key: value for key, value in policy["metadata"].items() if key in _KEPT}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {**metadata, "namespace": MIRROR, "name": _mirror_name(policy["metadata"]["name"])},
        "spec": policy["spec"],
    }


def _mirror_name(name: str) -> str:
    return f"bare-{name}"


def _works(operator: Operator) -> None:
    eventually(lambda: operator.answers("/readyz") is not None and operator.is_leading(), "the operator leads", 60)


def _churn(stage: Stage, count: int) -> None:
    """Pods that come and go, with the labels of the workloads."""
    templates = [raw["spec"]["template"] for raw in stage.objects.workloads[:count]]
    namespace = stage.objects.namespaces[0]["metadata"]["name"]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"pod-{index}", "namespace": namespace, **template["metadata"]},
            "spec": template["spec"],
        }
        for index, template in enumerate(templates)
    ]
    send(stage.kube.kubeconfig, map(apply_of, pods))
    send(stage.kube.kubeconfig, [Request(path_of("Pod", namespace, f"pod-{i}"), None) for i in range(len(pods))])
