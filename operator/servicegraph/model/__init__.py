"""The frozen vocabulary every other package speaks: graphs, clusters, policies, problems.

Imports nothing of ours outside this package and does no I/O.
"""
