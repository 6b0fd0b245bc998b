"""What tests put into a cluster: Services, workloads and graphs, said shortly."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def service(namespace: str, name: str, labels: Mapping[str, str] | None = None, **ports: int | str) -> Object:
    """A Service whose ports are named; each is port 80 and up, and leads to the given target port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": dict(labels or {"app": name}),
            "ports": [
                {"name": port, "port": 80 + index, "targetPort": target}
                for index, (port, target) in enumerate((ports or {"http": "http"}).items())
            ],
        },
    }


def deployment(namespace: str, name: str, labels: Mapping[str, str] | None = None, **ports: int) -> Object:
    """A Deployment of no pods, whose container names its ports."""
    labels = dict(labels or {"app": name})
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(**ports)},
        },
    }


def pod(namespace: str, name: str, labels: Mapping[str, str], **ports: int) -> Object:
    """A pod; with no nodes it stays Pending, which counts."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": pod_spec(**ports),
    }


def pod_spec(**ports: int) -> Object:
    """One container with named ports, by default http on 8080."""
    named = [{"name": name, "containerPort": number} for name, number in (ports or {"http": 8080}).items()]
    return {"containers": [{"name": "main", "image": "example.test/none", "ports": named}]}


def app(namespace: str, *names: str) -> list[Object]:
    """A Service and a Deployment for each name."""
    return [made for name in names for made in (service(namespace, name), deployment(namespace, name))]


def graph(namespace: str, name: str, services: Mapping[str, Object], **spec: Any) -> Object:
    """A ServiceGraph; `services` by name."""
    return {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"dns": "Never", "services": [{"name": key, **value} for key, value in services.items()], **spec},
    }


def calls(*names: str) -> Object:
    """A service that calls these."""
    return {"calls": [{"service": name} for name in names]}


SHOP: Mapping[str, Object] = {"frontend": calls("search"), "search": calls("database"), "database": {}}
