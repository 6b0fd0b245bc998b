"""Services as they are called from outside the cluster."""

from collections.abc import Iterator, Mapping

from tests.e2e.ends import Ends, Target
from tests.e2e.outside import Host, node_address
from tests.integration.kube import Kube, Object


def node_ports(kube: Kube, namespace: str, service: str, role: str, port: int = 8080) -> list[Target]:
    """The NodePorts of a Service, on the nodes where its pods are. `port` is the pods'."""
    found = kube.get("Service", namespace, service)
    assert found is not None
    return [
        _target(role, f"tcp://{node_address(node)}:{exposed['nodePort']}", port)
        for node in _with_pods(kube, namespace, found)
        for exposed in found["spec"]["ports"]
    ]


def load_balanced(service: Object, role: str, port: int = 8080) -> list[Target]:
    """The ports of a Service at the addresses of its load balancer."""
    addresses = [ingress["ip"] for ingress in service["status"]["loadBalancer"]["ingress"]]
    return [_target(role, f"tcp://{a}:{p['port']}", port) for a in addresses for p in service["spec"]["ports"]]


def from_outside(hosts: Mapping[str, Host], targets: list[Target]) -> Ends:
    """Calls of hosts outside to these targets, and no others."""
    return Ends(tuple(source for host in hosts.values() for source in host.ends.sources), tuple(targets))


def _target(role: str, url: str, port: int) -> Target:
    return Target(f"exposed {role}", role, url, "TCP", frozenset((port,)), frozenset(), in_network=True)


def _with_pods(kube: Kube, namespace: str, service: Object) -> Iterator[Object]:
    selector = service["spec"]["selector"].items()
    pods = [pod for pod in kube.list("Pod", namespace) if selector <= pod["metadata"]["labels"].items()]
    names = {pod["spec"].get("nodeName") for pod in pods}
    return (node for node in kube.list("Node", "") if node["metadata"]["name"] in names)
