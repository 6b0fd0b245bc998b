"""Services as they are called from outside the cluster."""

from collections.abc import Mapping

from tests.e2e.ends import Ends, Target
from tests.e2e.outside import Host, node_address
from tests.integration.kube import Kube, Object
from tests.waiting import eventually


def node_ports(kube: Kube, namespace: str, service: str, port: int = 8080) -> list[Target]:
    """The NodePorts of a Service, whose name is the role; on the nodes with pods where only those answer.

    `port` is the pods'.
    """
    found = kube.get("Service", namespace, service)
    assert found is not None
    nodes = kube.list("Node", "")
    if found["spec"]["externalTrafficPolicy"] == "Local":
        there = _nodes_of_pods(kube, namespace, found)
        nodes = [node for node in nodes if node["metadata"]["name"] in there]
    return [
        _target(service, f"tcp://{node_address(node)}:{exposed['nodePort']}", port)
        for node in nodes
        for exposed in found["spec"]["ports"]
    ]


def load_balancer(kube: Kube, namespace: str, service: str, port: int = 8080) -> tuple[str, Target]:
    """The address that the load balancer of a Service has as soon as there is one, and the Service's port there."""
    eventually(lambda: _addresses(kube, namespace, service), f"{service} has the address of a load balancer", poll=0.5)
    address = _addresses(kube, namespace, service)[0]
    found = kube.get("Service", namespace, service)
    assert found is not None
    return address, _target(service, f"tcp://{address}:{found['spec']['ports'][0]['port']}", port)


def from_outside(hosts: Mapping[str, Host], targets: list[Target]) -> Ends:
    """Calls of hosts outside to these targets, and no others."""
    return Ends(tuple(source for host in hosts.values() for source in host.ends.sources), tuple(targets))


def _target(role: str, url: str, port: int) -> Target:
    return Target(f"exposed {role}", url, "TCP", frozenset(((role, port),)), in_network=True)


def _nodes_of_pods(kube: Kube, namespace: str, service: Object) -> set[str]:
    selector = service["spec"]["selector"].items()
    return {p["spec"]["nodeName"] for p in kube.list("Pod", namespace) if selector <= p["metadata"]["labels"].items()}


def _addresses(kube: Kube, namespace: str, service: str) -> list[str]:
    found = kube.get("Service", namespace, service)
    assert found is not None
    return [ingress["ip"] for ingress in found["status"]["loadBalancer"].get("ingress", ())]
