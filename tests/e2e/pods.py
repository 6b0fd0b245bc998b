"""Workloads that run the test program, said shortly."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from tests.integration.kube import Object

IMAGE = os.environ.get("SERVICEGRAPH_E2E_WORKLOAD_IMAGE", "servicegraph-workload:dev")

_RESTRICTED: Object = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Pods that are alike, and the Service in front of them.

    They are labelled `app` with their name, or with the `app` that several roles are together.

    They listen on the numbers of `tcp`, `udp` and `more` (`9000-9003`) over both protocols, and say in their manifests
    what stands in `tcp` and `udp` only: a policy that opens more than one protocol or port shows. Two pods are on two
    nodes. `exposes` are ports of the Service by the name of the pods' port; `{}` is no Service.
    """

    name: str
    namespace: str = ""
    app: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    tcp: Mapping[str, int] = field(default_factory=lambda: {"http": 8080, "metrics": 9090})
    udp: Mapping[str, int] = field(default_factory=dict)
    more: str = ""
    exposes: Mapping[str, int] = field(default_factory=lambda: {"http": 80})
    service: Mapping[str, object] = field(default_factory=dict)
    kind: str = "Deployment"
    replicas: int = 2

    def manifests(self, namespace: str) -> list[Object]:
        """The workload, and the Service if there is one."""
        return [self._workload(namespace), *([self._service(namespace)] if self.exposes else [])]

    @property
    def title(self) -> str:
        """What scenarios call it."""
        return f"{self.namespace}/{self.name}".lstrip("/")

    @property
    def _pod_labels(self) -> dict[str, str]:
        own = {"app": self.app, "role": self.name} if self.app else {"app": self.name}
        return own | dict(self.labels)

    def _workload(self, namespace: str) -> Object:
        spec: Object = {
            "selector": {"matchLabels": self._pod_labels},
            "template": {"metadata": {"labels": self._pod_labels}, "spec": self._pod()},
        }
        if self.kind == "DaemonSet":
            spec["template"]["spec"] |= {
                "hostNetwork": True,
                "dnsPolicy": "ClusterFirstWithHostNet",
                "tolerations": [{"operator": "Exists"}],
            }
        else:
            spec |= {"replicas": self.replicas}
        if self.kind == "StatefulSet":
            spec |= {"serviceName": self.name, "podManagementPolicy": "Parallel"}
        return {
            "apiVersion": "apps/v1",
            "kind": self.kind,
            "metadata": {"name": self.name, "namespace": namespace},
            "spec": spec,
        }

    def _pod(self) -> Object:
        numbers = ",".join(dict.fromkeys([*map(str, chain(self.tcp.values(), self.udp.values())), *self.more.split()]))
        named = [(name, port, "TCP") for name, port in self.tcp.items()]
        named += [(name, port, "UDP") for name, port in self.udp.items()]
        return {
            **pod_spec("serve", f"--tcp={numbers}", f"--udp={numbers}", ports=named),
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "nodeTaintsPolicy": "Honor",
                    "labelSelector": {"matchLabels": self._pod_labels},
                }
            ],
        }

    def _service(self, namespace: str) -> Object:
        ports = [
            {"name": name, "port": port, "targetPort": name, "protocol": "UDP" if name in self.udp else "TCP"}
            for name, port in self.exposes.items()
        ]
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.app or self.name, "namespace": namespace},
            "spec": {"selector": {"app": self.app or self.name}, "ports": ports, **self.service},
        }


def role_of(pod: Object) -> str | None:
    """The name of the role that a pod plays."""
    labels = pod["metadata"]["labels"]
    found: str | None = labels.get("role", labels.get("app"))
    return found


def pod_spec(*args: str, ports: list[tuple[str, int, str]] | None = None) -> Object:
    """The specification of a pod that runs the test program with these arguments."""
    container: Object = {
        "name": "workload",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": list(args),
        "ports": [{"name": n, "containerPort": p, "protocol": protocol} for n, p, protocol in ports or ()],
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
        "securityContext": _RESTRICTED,
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
