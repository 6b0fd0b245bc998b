"""What NetworkPolicy manifests allow, one question at a time: slow, simple, and independent of the product.

https://kubernetes.io/docs/concepts/services-networking/network-policies/ read literally. An address matches no pod
selector and a pod matches no ipBlock; traffic of a pod to itself and of its node is not asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Manifest = Mapping[str, Any]
Port = tuple[str, int]
"""Protocol and number."""

_DIRECTIONS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}


@dataclass(frozen=True)
class Pod:
    """A pod in the pod network."""

    namespace: str
    labels: Mapping[str, str] = field(hash=False)
    name: str = ""


@dataclass(frozen=True)
class Address:
    """An address outside the pod network."""

    ip: str


End = Pod | Address


class Verdicts:
    """The verdicts of a set of manifests, given the labels of the namespaces (their name is implied)."""

    def __init__(self, manifests: Iterable[Manifest], namespaces: Mapping[str, Mapping[str, str]]) -> None:
        self._manifests = list(manifests)
        self._namespaces = namespaces

    def allowed(self, source: End, target: End, port: Port) -> bool:
        """Whether a connection passes at both ends."""
        return self.egress(source, target, port) and self.ingress(target, source, port)

    def ingress(self, pod: End, peer: End, port: Port) -> bool:
        """Whether the policies of `pod` let `peer` in."""
        return self._verdict(pod, "Ingress", peer, port)

    def egress(self, pod: End, peer: End, port: Port) -> bool:
        """Whether the policies of `pod` let it out to `peer`."""
        return self._verdict(pod, "Egress", peer, port)

    def isolated(self, pod: Pod, direction: str) -> bool:
        """Whether some policy selects the pod in this direction."""
        return bool(self._selecting(pod, direction))

    def _selecting(self, pod: Pod, direction: str) -> list[Manifest]:
        return [
            m
            for m in self._manifests
            if m["metadata"]["namespace"] == pod.namespace
            and direction in m["spec"]["policyTypes"]
            and selects(m["spec"]["podSelector"], pod.labels)
        ]

    def _verdict(self, pod: End, direction: str, peer: End, port: Port) -> bool:
        if isinstance(pod, Address):
            return True
        rules, side = _DIRECTIONS[direction]
        selecting = self._selecting(pod, direction)
        return not selecting or any(
            self._peer(rule.get(side), pod.namespace, peer) and _port(rule.get("ports"), port)
            for manifest in selecting
            for rule in manifest["spec"].get(rules) or ()
        )

    def _peer(self, peers: list[Any] | None, namespace: str, end: End) -> bool:
        return not peers or any(self._one_peer(peer, namespace, end) for peer in peers)

    def _one_peer(self, peer: Mapping[str, Any], namespace: str, end: End) -> bool:
        if "ipBlock" in peer:
            if isinstance(end, Pod):
                return False
            block, address = peer["ipBlock"], ip_address(end.ip)
            inside = address in ip_network(block["cidr"])
            return inside and not any(address in ip_network(cidr) for cidr in block.get("except", ()))
        if isinstance(end, Address):
            return False
        if "namespaceSelector" in peer:
            labels = {**self._namespaces.get(end.namespace, {}), "kubernetes.io/metadata.name": end.namespace}
            if not selects(peer["namespaceSelector"], labels):
                return False
        elif end.namespace != namespace:
            return False
        return selects(peer.get("podSelector", {}), end.labels)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """metav1.LabelSelector, read literally."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", ()):
        present, value = expression["key"] in labels, labels.get(expression["key"])
        holds = {
            "In": present and value in expression.get("values", ()),
            "NotIn": not present or value not in expression.get("values", ()),
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not holds[expression["operator"]]:
            return False
    return True


def _port(ports: list[Any] | None, port: Port) -> bool:
    protocol, number = port
    return not ports or any(
        p.get("protocol", "TCP") == protocol and p.get("port", 1) <= number <= p.get("endPort", p.get("port", 65535))
        for p in ports
    )
