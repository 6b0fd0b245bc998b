"""A small application that changes under load, and the same one without policies beside it.

frontend calls search (TCP and UDP) and checkout; workers, which do nothing else, call database; outsider calls nobody
and tries all the same. search and worker are two Deployments each, of which one is there at a time: the graph selects
both. checkout is blue and green; database listens on a port that moves.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.e2e.load import RATE, Load
from tests.e2e.pods import pod_spec
from tests.integration.kube import Kube, Object
from tests.waiting import PATIENCE, eventually

DRAIN_SECONDS = 8
"""How long a pod answers after it was told to go: until every node has heard that it is none of the Service's pods."""

OLD_PORT, NEW_PORT = 5432, 5433
_POLL = 0.3
_PROBES_A_SECOND = 5
_UNDECLARED_TIMEOUT = "500ms"


class Town:
    """One namespace. `covered` says whether it has a graph."""

    def __init__(self, kube: Kube, covered: bool) -> None:
        self.kube = kube
        self.covered = covered
        self.namespace = f"e2e-{secrets.token_hex(3)}-{'covered' if covered else 'open'}"
        self.checkout = "checkout"
        self.more_calls: dict[str, list[str]] = {}

    def up(self) -> None:
        """Create it, the graph first, and wait until it runs. Workers call from the moment they start."""
        meta = {"name": self.namespace}
        self.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        self.kube.apply(
            self.service("search", {"app": "search"}, http=(80, "TCP"), query=(53, "UDP")),
            self.service("checkout", {"app": "checkout", "colour": "blue"}, http=(80, "TCP")),
            self.service("database", {"app": "database"}, postgres=(5432, "TCP")),
        )
        self.declare()
        self.kube.apply(
            self.server("frontend", {"app": "frontend"}, 1),
            self.server("outsider", {"app": "outsider"}, 1),
            self.server("search", {"app": "search"}, 2, udp=5353),
            self.server("checkout-blue", {"app": "checkout", "colour": "blue"}, 1),
            self.server("checkout-green", {"app": "checkout", "colour": "green"}, 1),
            self.server("database", {"app": "database"}, 2, name="postgres", port=OLD_PORT),
        )
        for name in ("frontend", "outsider", "search", "checkout-blue", "checkout-green", "database"):
            self.rolled_out(name)
        self.kube.apply(self.worker("worker"))
        self.rolled_out("worker")

    def down(self) -> None:
        """Delete it, and do not wait for it to go."""
        self.kube.delete("Namespace", "", self.namespace)

    def declare(self) -> None:
        """Write the graph as it should be now, and wait until its policies are written."""
        if not self.covered:
            return
        services: dict[str, Object] = {
            "frontend": _calls("search", self.checkout),
            "search": {"selects": [_deployment("search"), _deployment("search-next")]},
            self.checkout: {"selects": [{"labels": {"app": "checkout", "colour": c}} for c in ("blue", "green")]},
            "database": {},
            "worker": {"selects": [_deployment("worker"), _deployment("worker-next")], **_calls("database")},
            "outsider": {},
        }
        for caller, callees in self.more_calls.items():
            services[caller] = {**services[caller], **_calls(*callees)}
        listed = [{"name": name, **service} for name, service in services.items()]
        meta = {"name": "town", "namespace": self.namespace}
        spec = {"services": listed}
        self.kube.apply(
            {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": meta, "spec": spec}
        )
        eventually(self.ready, "the graph is Ready", poll=_POLL)

    def ready(self) -> bool:
        """Whether the graph's policies are all written."""
        graph = self.kube.get("ServiceGraph", self.namespace, "town") or {}
        status = graph.get("status", {})
        current = status.get("observedGeneration") == graph["metadata"]["generation"]
        return current and any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])

    def declared(self) -> Load:
        """Every call that frontend declares, at full rate."""
        targets = ("tcp://search:80", "udp://search:53", f"tcp://{self.checkout}:80")
        return Load(self.namespace, self.pod("frontend"), targets)

    def undeclared(self) -> list[Load]:
        """Calls that the graph does not have, between its pods: to addresses of Services, and of pods that stay."""
        search, checkout, database = map(self.address, ("search", self.checkout, "database"))
        stays = {name: self.kube.get("Pod", self.namespace, self.pod(name)) or {} for name in ("frontend", "outsider")}
        pod = {name: found["status"]["podIP"] for name, found in stays.items()}
        tried = {
            "frontend": [f"tcp://{database}:5432", f"tcp://{pod['outsider']}:8080"],
            "outsider": [
                f"tcp://{search}:80",
                f"udp://{search}:53",
                f"tcp://{checkout}:80",
                f"tcp://{database}:5432",
                f"tcp://{pod['frontend']}:8080",
            ],
        }
        return [
            Load(self.namespace, self.pod(caller), targets, _PROBES_A_SECOND, _UNDECLARED_TIMEOUT)
            for caller, targets in tried.items()
        ]

    def pod(self, app: str) -> str:
        """The one running pod of an app."""
        (found,) = (pod for pod in self.pods(app) if "deletionTimestamp" not in pod["metadata"])
        name: str = found["metadata"]["name"]
        return name

    def pods(self, app: str) -> list[Object]:
        """All of its pods, those included that are going."""
        return [p for p in self.kube.list("Pod", self.namespace) if p["metadata"]["labels"].get("app") == app]

    def gone(self, app: str) -> None:
        """Delete a Deployment, and wait until its last pod has gone."""
        self.kube.delete("Deployment", self.namespace, app)
        eventually(lambda: not self.pods(app), f"the pods of {app} have gone", poll=_POLL)

    def rolled_out(self, name: str) -> None:
        """Wait until a Deployment has all of its pods as they should be now, and no other."""

        def done() -> bool:
            found = self.kube.get("Deployment", self.namespace, name)
            if found is None or found["status"].get("observedGeneration") != found["metadata"]["generation"]:
                return False
            status, replicas = found["status"], found["spec"]["replicas"]
            counts = (status.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "replicas"))
            return all(count == replicas for count in counts) and not status.get("terminatingReplicas")

        eventually(done, f"{name} is rolled out", PATIENCE, _POLL)

    def is_isolated(self, app: str) -> bool:
        """Whether a policy is written for the pods of an app; where there is no graph, none is wanted."""
        if not self.covered:
            return True
        subjects = (p["spec"]["podSelector"] for p in self.kube.list("NetworkPolicy", self.namespace))
        return any(subject.get("matchLabels", {}).get("app") == app for subject in subjects)

    def address(self, service: str) -> str:
        """The address of a Service."""
        found = self.kube.get("Service", self.namespace, service)
        assert found is not None
        address: str = found["spec"]["clusterIP"]
        return address

    def lead(self, service: str, selector: Mapping[str, str | None]) -> None:
        """Have a Service select other pods; None takes a label out of its selector."""
        self.kube.patch("Service", self.namespace, service, {"spec": {"selector": dict(selector)}})

    def service(self, name: str, selector: Mapping[str, str], **ports: tuple[int, str]) -> Object:
        """A Service with its ports by the names of the pods' ports."""
        listed = [{"name": n, "port": p, "protocol": protocol, "targetPort": n} for n, (p, protocol) in ports.items()]
        meta = {"name": name, "namespace": self.namespace}
        spec = {"selector": dict(selector), "ports": listed}
        return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}

    def server(
        self,
        deployment: str,
        labels: Mapping[str, str],
        replicas: int,
        name: str = "http",
        port: int = 8080,
        udp: int = 0,
    ) -> Object:
        """A Deployment that listens, says when it does, and goes slowly."""
        ports = [(name, port, "TCP")] + ([("query", udp, "UDP")] if udp else [])
        pod = pod_spec("serve", f"--tcp={port}", *([f"--udp={udp}"] if udp else []), ports=ports)
        (container,) = pod["containers"]
        container["readinessProbe"] = {
            "tcpSocket": {"port": name},
            "periodSeconds": 1,
            "timeoutSeconds": 10,
            "failureThreshold": 30,
        }
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}}
        return self._deployment(
            deployment, labels, replicas, pod | {"terminationGracePeriodSeconds": DRAIN_SECONDS + 5}
        )

    def worker(self, deployment: str) -> Object:
        """Pods that call database from their first moment to their last, and try search, which they may not."""
        pod = pod_spec("load", "--for=1h", f"--rate={RATE}", "tcp://database:5432")
        target, often = f"tcp://{self.address('search')}:80", f"--rate={_PROBES_A_SECOND}"
        tries = pod_spec("load", "--for=1h", often, f"--timeout={_UNDECLARED_TIMEOUT}", target)
        pod["containers"] = [pod["containers"][0] | {"name": "calls"}, tries["containers"][0] | {"name": "tries"}]
        return self._deployment(deployment, {"app": deployment}, 2, pod | {"terminationGracePeriodSeconds": 60})

    def _deployment(self, name: str, labels: Mapping[str, str], replicas: int, pod: Object) -> Object:
        template = {"metadata": {"labels": dict(labels)}, "spec": pod}
        spec: Any = {"replicas": replicas, "selector": {"matchLabels": dict(labels)}, "template": template}
        spec["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        meta = {"name": name, "namespace": self.namespace}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def _calls(*services: str) -> Object:
    return {"calls": [{"service": service} for service in services]}


def _deployment(name: str) -> Object:
    return {"workload": {"kind": "Deployment", "name": name}}
