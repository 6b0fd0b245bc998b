"""Entries on what is no pod, from the addresses that were seen: each of a few, a wide party for many.

A node is its pods in the host's network, too.
"""

from collections.abc import Sequence
from typing import Any

from servicegraph.adopt.draft import DraftEntry
from servicegraph.adopt.flows import FlowEnd
from servicegraph.adopt.targets import OutsideTarget
from servicegraph.adopt.ways import outside
from servicegraph.model.ports import Protocol

_MOST = 5
_API_SERVER, _WORLD = "kube-apiserver", "world"


def called(ends: Sequence[FlowEnd], port: int, protocol: Protocol, ports: list[Any], seen: str) -> list[DraftEntry]:
    """The entries of `calls` for hosts of one kind that were called on one port."""
    entity = ends[0].entity
    if entity == _API_SERVER:
        return [DraftEntry({"kubeAPIServer": True}, (seen,))]
    if entity != _WORLD:
        return [DraftEntry({"nodes": True, "ports": ports}, (seen,))]
    hosts = sorted({end.host for end in ends})
    if len(hosts) > _MOST or "" in hosts:
        review = f"{_listed(hosts)}: write a cidr or a party if they have one"
        return [DraftEntry({"internet": True, "ports": ports}, (seen,), (review,), written=False)]
    return [outside(OutsideTarget(host, port, protocol), (seen,)) for host in hosts]


def let_in(ends: Sequence[FlowEnd], ports: list[Any], seen: str) -> DraftEntry:
    """The entry of `accepts` for callers of one kind that are no pods."""
    if ends[0].entity != _WORLD:
        party = "kubeAPIServer" if ends[0].entity == _API_SERVER else "nodes"
        return DraftEntry({party: True, "ports": ports}, (seen,))
    review = f"{_listed(sorted({end.address for end in ends}))}: write a cidr or internet: true if anywhere is too wide"
    return DraftEntry({"anywhere": True, "ports": ports}, (seen,), (review,))


def _listed(hosts: Sequence[str]) -> str:
    shown = [host for host in hosts if host][:_MOST]
    return ", ".join(shown) + (f" and {len(hosts) - len(shown)} more" if len(hosts) > len(shown) else "")
