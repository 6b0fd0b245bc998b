"""Policies and declarations in few words, for tests."""

from typing import Any

from servicegraph.model.policy import AddressPeer, Declared, Direction, Flow, Origin, Peer, PodPeer
from servicegraph.model.ports import PortRange, parse_port
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import Selector
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.reading import read

IN, OUT = Direction.INGRESS, Direction.EGRESS
GRAPH = GraphKey("shop", "g")


def app(name: str, **more: str) -> Selector:
    return Selector.from_labels({"app": name, **more})


def pods(name: str, namespace: str | None = None) -> PodPeer:
    inside = Selector.from_labels({"kubernetes.io/metadata.name": namespace}) if namespace else None
    return PodPeer(app(name), inside)


def cidr(text: str, *excluded: str) -> AddressPeer:
    return AddressPeer(text, excluded)


def ports(*written: int | str) -> tuple[PortRange, ...]:
    found = [parse_port(port) for port in written]
    return tuple(PortRange(port.number_protocol, port.start, port.end) for port in found)


def flow(direction: Direction, peer: Peer, *written: int | str, text: str = "entry") -> Flow:
    return Flow(direction, peer, ports(*written) if written else None, Origin(GRAPH, f".{text}", text))


def declared(name: str, *flows: Flow, isolated: tuple[Direction, ...] = (IN,), **more: Any) -> Declared:
    fields: dict[str, Any] = {"subject": app(name), "service": ServiceKey("shop", name), "graph": GRAPH, **more}
    return Declared("shop", isolated=isolated, flows=flows, **fields)


def policy(name: str, subject: Any, namespace: str = "shop", types: Any = None, **rules: Any) -> NetworkPolicy:
    """A policy by its manifest; `subject` is the value of the label app, or a whole selector."""
    selector = {"matchLabels": {"app": subject}} if isinstance(subject, str) else subject
    spec = {"podSelector": selector, "policyTypes": types or [r.capitalize() for r in rules] or ["Ingress"], **rules}
    metadata = {"name": name, "namespace": namespace}
    return read({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec})


def peer(name: str, namespace: str | None = None) -> dict[str, Any]:
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}} if namespace else {}
    return {**inside, "podSelector": {"matchLabels": {"app": name}}}


def rule(side: str, *peers: Any, on: tuple[Any, ...] = ()) -> dict[str, Any]:
    said = {side: list(peers)} if peers else {}
    return said | ({"ports": [p if isinstance(p, dict) else {"port": p} for p in on]} if on else {})
