"""Cases as YAML: what the data files beside this are written in, and what a disagreement is printed as.

namespaces: {left: {team: a}}                                 # labels; the name of a namespace is one of them
pods: {left/web: {labels: {app: web}, ports: {http: TCP 80}}}
addresses: [198.51.100.7]
policies: [{namespace: left, name: deny, spec: {podSelector: {}, policyTypes: [Ingress]}}]
"""

from collections.abc import Mapping
from typing import Any

import yaml

from servicegraph.verify.ends import NamedPort, Pod
from tests.oracle.cases import Case, Manifest


def load(name: str, written: Mapping[str, Any]) -> Case:
    """The case that is written there. Namespaces that have pods need not be listed."""
    pods = tuple(_pod(pod, said or {}) for pod, said in written["pods"].items())
    namespaces: dict[str, dict[str, str]] = {pod.namespace: {} for pod in pods} | written.get("namespaces", {})
    addresses = tuple(written.get("addresses", ()))
    return Case(name, namespaces, pods, addresses, tuple(map(policy, written["policies"])))


def policy(written: Mapping[str, Any]) -> Manifest:
    """The manifest of a policy that is written short."""
    metadata = {key: written[key] for key in ("namespace", "name")}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": written["spec"],
    }


def dump(case: Case) -> str:
    """The case as `load` reads it."""
    written = {
        "namespaces": {name: dict(labels) for name, labels in case.namespaces.items()},
        "pods": {
            f"{pod.namespace}/{pod.name}": {
                "labels": dict(pod.labels),
                "ports": {port.name: f"{port.protocol} {port.number}" for port in pod.named_ports},
            }
            for pod in case.pods
        },
        "addresses": list(case.addresses),
        "policies": [{**policy["metadata"], "spec": policy["spec"]} for policy in case.policies],
    }
    return yaml.safe_dump(written, sort_keys=False, default_flow_style=None, width=110)


def _pod(name: str, written: Mapping[str, Any]) -> Pod:
    namespace, _, own = name.partition("/")
    ports = ((port, *said.split()) for port, said in written.get("ports", {}).items())
    named = tuple(NamedPort(port, protocol, int(number)) for port, protocol, number in ports)
    return Pod(namespace, written.get("labels", {}), named, name=own)
