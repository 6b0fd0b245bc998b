"""Clusters for people without one. Python's standard library only.

`running()` gives a real control plane on loopback, with no root and no containers, for tests, demo and benchmarks;
`python3 -m tools.cluster` is the same from a shell.
"""

from tools.cluster.controlplane import Cluster, running
from tools.cluster.launch import ClusterError

__all__ = ["Cluster", "ClusterError", "running"]
