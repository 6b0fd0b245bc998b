"""Entries on what is no pod, from the addresses that were seen: each of a few, a wide party for many.

A node is its pods in the host's network, too.
"""

from collections.abc import Sequence
from typing import Any

from servicegraph.adopt.draft import DraftEntry
from servicegraph.adopt.flows import FlowEnd
from servicegraph.adopt.ports import written_port
from servicegraph.adopt.targets import OutsideTarget
from servicegraph.adopt.ways import outside
from servicegraph.model.ports import Protocol

_MOST = 5
_API_SERVER, _REMOTE_NODE, _WORLD = "kube-apiserver", "remote-node", "world"
_API_SERVER_PORTS = (443, 6443)
"""Where nobody tells them."""

_NO_PARTY = {
    "ingress": "Cilium's own Ingress or Gateway",
    "init": "pods whose labels Cilium did not know yet: observe again",
    "unmanaged": "pods that Cilium does not manage: restart them, and observe again",
}
"""What no entry stands for, by Cilium's names."""


def listening(end: FlowEnd, port: int, protocol: Protocol, api_server_ports: Sequence[int]) -> str:
    """What is called there, in Cilium's words: a node with an API server is a node on every other port."""
    if end.entity != _API_SERVER or (protocol == "TCP" and port in (api_server_ports or _API_SERVER_PORTS)):
        return end.entity
    return _REMOTE_NODE if {_REMOTE_NODE, "host"} & set(end.entities) else _WORLD


def called(entity: str, ends: Sequence[FlowEnd], port: int, protocol: Protocol, seen: str) -> list[DraftEntry]:
    """The entries of `calls` for hosts of one kind that were called on one port."""
    ports = [written_port(port, protocol)]
    hosts = sorted({end.host for end in ends})
    if entity == _API_SERVER:
        return [DraftEntry({"kubeAPIServer": True}, (seen,))]
    if entity in _NO_PARTY:
        return [_proposed("internet", entity, hosts, ports, seen)]
    if entity != _WORLD:
        return [DraftEntry({"nodes": True, "ports": ports}, (seen,))]
    if len(hosts) > _MOST or "" in hosts:
        review = f"{_listed(hosts)}: write a cidr or a party if they have one"
        return [DraftEntry({"internet": True, "ports": ports}, (seen,), (review,), written=False)]
    return [outside(OutsideTarget(host, port, protocol), (seen,)) for host in hosts]


def let_in(entity: str, ends: Sequence[FlowEnd], port: int, protocol: Protocol, seen: str) -> DraftEntry:
    """The entry of `accepts` for callers of one kind that are no pods."""
    ports = [written_port(port, protocol)]
    hosts = sorted({end.address for end in ends})
    if entity in _NO_PARTY:
        return _proposed("anywhere", entity, hosts, ports, seen)
    if entity != _WORLD:
        party = "kubeAPIServer" if entity == _API_SERVER else "nodes"
        return DraftEntry({party: True, "ports": ports}, (seen,))
    review = f"{_listed(hosts)}: write a cidr or internet: true if anywhere is too wide"
    return DraftEntry({"anywhere": True, "ports": ports}, (seen,), (review,))


def _proposed(party: str, entity: str, hosts: Sequence[str], ports: list[Any], seen: str) -> DraftEntry:
    """The widest party, which may not open it either: Cilium tells these from nodes and from the internet."""
    review = f"no party stands for {_listed(hosts)}: {_NO_PARTY[entity]}"
    return DraftEntry({party: True, "ports": ports}, (seen,), (review,), written=False)


def _listed(hosts: Sequence[str]) -> str:
    shown = [host for host in hosts if host][:_MOST]
    return ", ".join(shown) + (f" and {len(hosts) - len(shown)} more" if len(hosts) > len(shown) else "")
