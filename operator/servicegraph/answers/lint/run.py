"""Every finding, over everything known."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from servicegraph.answers.lint.amazon import amazon
from servicegraph.answers.lint.dns import node_local_dns
from servicegraph.answers.lint.halves import half_open
from servicegraph.answers.lint.labels import labels_not_seen
from servicegraph.answers.lint.mesh import mesh
from servicegraph.answers.lint.nodes import nodes_not_matched
from servicegraph.answers.lint.nothing import matches_nothing
from servicegraph.answers.lint.outside import not_enforced, sctp_not_enabled, source_address_lost
from servicegraph.answers.lint.scene import Scene
from servicegraph.answers.lint.wide import too_wide
from servicegraph.compiler.ignores import reported
from servicegraph.model.cluster import Cluster
from servicegraph.model.compilation import Compilation
from servicegraph.model.graph import Graph
from servicegraph.model.problems import Problem
from servicegraph.model.profile import ClusterProfile

FINDINGS: tuple[Callable[[Scene], Iterator[Problem]], ...] = (
    half_open,
    matches_nothing,
    too_wide,
    source_address_lost,
    nodes_not_matched,
    node_local_dns,
    amazon,
    sctp_not_enabled,
    labels_not_seen,
    mesh,
    not_enforced,
)


def lint(
    graphs: Iterable[Graph],
    cluster: Cluster,
    profile: ClusterProfile,
    compilation: Compilation,
    *,
    complete: bool = False,
) -> tuple[Problem, ...]:
    """What is found in graphs and what they compile to, by graph and less what each ignores.

    `complete` says that the cluster was read whole: then what is not in it does not exist. Files seldom hold all.
    """
    scene = Scene(graphs, cluster, profile, compilation, complete)
    known = {graph.key: graph for graph in scene.graphs}
    found = sorted({p for find in FINDINGS for p in find(scene)}, key=lambda p: (p.graph, p.rank))
    return tuple(p for key, of in groupby(found, attrgetter("graph")) for p in reported(of, known[key]))
