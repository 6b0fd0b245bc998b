"""Names outside the cluster: a DNS server of the test's own whose answers can change, and a way there from CoreDNS."""

import secrets
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from tests.integration.kube import Kube, Object
from tests.waiting import eventually

ZONE = "example.test"
TTL = 5
"""Seconds that answers count; as short as real ones get, and not 0."""

_SYSTEM, _COREDNS = "kube-system", "coredns"
_PORT = 5353

Answers = Mapping[str, Iterable[str]]
"""The addresses of each name."""


class Names:
    """Servers that know different answers, one of which is asked at a time."""

    def __init__(self, kube: Kube, namespace: str, image: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._image = image

    def serve(self, version: str, answers: Answers) -> None:
        """Have a server ready that gives these answers, and no others."""
        lines = [f"{address} {name}" for name, addresses in sorted(answers.items()) for address in addresses]
        hosts = textwrap.indent("\n".join([*lines, f"ttl {TTL}"]), "    ")
        corefile = f".:{_PORT} {{\n  loadbalance\n  hosts {{\n{hosts}\n  }}\n}}\n"
        labels = {"app": "names", "version": version}
        self._kube.apply(
            self._object("v1", "ConfigMap", version, data={"Corefile": corefile}),
            self._object(
                "apps/v1",
                "Deployment",
                version,
                spec={
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": self._pod(version)},
                },
            ),
        )
        eventually(lambda: _rolled_out(self._kube, self._namespace, version), f"{version} answers")

    def ask(self, version: str) -> str:
        """From now on this server is asked; its address."""
        ports = [{"name": p.lower(), "protocol": p, "port": 53, "targetPort": _PORT} for p in ("UDP", "TCP")]
        chosen = {"app": "names", "version": version}
        self._kube.apply(self._object("v1", "Service", "names", spec={"selector": chosen, "ports": ports}))
        service = self._kube.get("Service", self._namespace, "names")
        assert service is not None
        address: str = service["spec"]["clusterIP"]
        return address

    def _object(self, version: str, kind: str, name: str, **more: Object) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": self._namespace}, **more}

    def _pod(self, version: str) -> Object:
        mount = {"name": "config", "mountPath": "/etc/coredns"}
        container = {
            "name": "coredns",
            "image": self._image,
            "args": ["-conf", "/etc/coredns/Corefile"],
            "volumeMounts": [mount],
        }
        return {"containers": [container], "volumes": [{"name": "config", "configMap": {"name": version}}]}


@contextmanager
def names(kube: Kube, versions: Mapping[str, Answers]) -> Iterator[Names]:
    """The zone in the cluster's DNS, answered by the first of these versions until another is asked."""
    deployment = kube.get("Deployment", _SYSTEM, _COREDNS)
    config = kube.get("ConfigMap", _SYSTEM, _COREDNS)
    assert deployment is not None
    assert config is not None
    namespace = f"e2e-{secrets.token_hex(3)}-names"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    try:
        made = Names(kube, namespace, deployment["spec"]["template"]["spec"]["containers"][0]["image"])
        for version, answers in versions.items():
            made.serve(version, answers)
        address = made.ask(next(iter(versions)))
        corefile: str = config["data"]["Corefile"]
        forward = (
            f"{ZONE}:53 {{\n    errors\n    loadbalance\n    forward . {address} {{\n        expire 1s\n    }}\n}}\n"
        )
        _configure(kube, corefile + forward)
        try:
            yield made
        finally:
            _configure(kube, corefile)
    finally:
        kube.delete("Namespace", "", namespace)


def _configure(kube: Kube, corefile: str) -> None:
    """Have CoreDNS run with a configuration; it reads a new one by itself, but not soon."""
    kube.patch("ConfigMap", _SYSTEM, _COREDNS, {"data": {"Corefile": corefile}})
    mark = {"servicegraph.dev/e2e": secrets.token_hex(3)}
    kube.patch("Deployment", _SYSTEM, _COREDNS, {"spec": {"template": {"metadata": {"annotations": mark}}}})
    eventually(lambda: _rolled_out(kube, _SYSTEM, _COREDNS), "CoreDNS has its configuration")


def _rolled_out(kube: Kube, namespace: str, name: str) -> bool:
    found = kube.get("Deployment", namespace, name)
    assert found is not None
    status, replicas = found.get("status", {}), found["spec"]["replicas"]
    counts = [status.get(field) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [replicas] * 3
