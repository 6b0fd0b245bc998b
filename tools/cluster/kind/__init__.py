"""A kind cluster whose network plugin enforces policies, on a machine that may reach package registries only.

`python3 -m tools.cluster.kind` is its command line. Linux and root only; Python's standard library only.
"""
