"""Lines as Hubble's export has them, from a few words: what stands in them is what Cilium 1.15 wrote."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

WORLD = {"identity": 2, "labels": ["reserved:world"]}
HOST = {"identity": 1, "labels": ["reserved:host"]}
REMOTE_NODE = {"identity": 6, "labels": ["reserved:remote-node"]}
API_SERVER = {"identity": 7, "labels": ["reserved:kube-apiserver", "reserved:remote-node"]}


def pod(namespace: str, labels: Mapping[str, str], workload: str = "", kind: str = "Deployment") -> dict[str, Any]:
    """The endpoint of a pod."""
    own = [f"k8s:{key}={value}" for key, value in labels.items()]
    added = [
        "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=" + namespace,
        "k8s:io.cilium.k8s.policy.cluster=default",
        "k8s:io.cilium.k8s.policy.serviceaccount=default",
        "k8s:io.kubernetes.pod.namespace=" + namespace,
    ]
    workloads = {"workloads": [{"name": workload, "kind": kind}]} if workload else {}
    name = f"{workload or 'pod'}-5d8f9-x2x4z"
    return {"ID": 7, "identity": 4711, "namespace": namespace, "labels": own + added, "pod_name": name, **workloads}


def line(
    source: Mapping[str, Any],
    destination: Mapping[str, Any],
    port: int,
    protocol: str = "TCP",
    *,
    verdict: str = "FORWARDED",
    reply: bool | None = False,
    direction: str = "EGRESS",
    addresses: tuple[str, str] = ("10.0.1.7", "10.0.2.8"),
    flags: Mapping[str, bool] | None = None,
    **more: Any,
) -> str:
    """One line. `more` are fields of the flow."""
    layer: dict[str, Any] = {"source_port": 43210, "destination_port": port}
    if protocol == "TCP":
        layer["flags"] = flags if flags is not None else {"SYN": True}
    flow = {
        "time": "2026-11-22T20:15:10.123456789Z",
        "verdict": verdict,
        "ethernet": {"source": "0a:58:0a:00:01:07", "destination": "0a:58:0a:00:02:08"},
        "IP": {"source": addresses[0], "destination": addresses[1], "ipVersion": "IPv4"},
        "l4": {protocol: layer},
        "source": source,
        "destination": destination,
        "Type": "L3_L4",
        "node_name": "servicegraph-worker",
        "event_type": {"type": 4, "sub_type": 3},
        "traffic_direction": direction,
        "trace_observation_point": "TO_STACK",
        "is_reply": reply,
        "Summary": "TCP Flags: SYN",
        **({"drop_reason": 133, "drop_reason_desc": "POLICY_DENIED"} if verdict == "DROPPED" else {}),
        **more,
    }
    return json.dumps({"flow": flow, "node_name": "servicegraph-worker", "time": flow["time"]})


def both(*arguments: Any, **options: Any) -> list[str]:
    """A connection as it is reported: where it leaves and where it arrives, and the reply."""
    there = [line(*arguments, **{**options, "direction": way}) for way in ("EGRESS", "INGRESS")]
    source, destination, _, *rest = arguments
    back = line(destination, source, 43210, *rest, **{**options, "reply": True, "flags": {"SYN": True, "ACK": True}})
    return [*there, back]


def text(lines: Iterable[str]) -> str:
    """A file of them."""
    return "".join(f"{one}\n" for one in lines)
