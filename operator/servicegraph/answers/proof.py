"""The proof as people ask for it: a compilation held against policies, with all that is known of the cluster."""

from collections.abc import Iterable

from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Cluster, ContainerPort, Workload
from servicegraph.model.cluster import Pod as RunningPod
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Declared
from servicegraph.model.problems import Code
from servicegraph.verify.ends import NamedPort, Pod
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.proof import Proof, prove

INEXACT = (Code.SELECTOR_OVERLAP, Code.NAMED_PORT_DIVERGES, Code.FQDN_BYPASS)
"""Problems that give some pods more than they should have, though every policy may be as it should be (R2, R6, R9)."""


def hold(
    declared: Iterable[Declared],
    policies: Iterable[NetworkPolicy],
    cluster: Cluster,
    graphs: Iterable[Graph],
    pods: Iterable[RunningPod] = (),
) -> Proof:
    """Prove that policies allow exactly what is declared."""
    return prove(
        declared,
        policies,
        {namespace.name: namespace.labels for namespace in cluster.namespaces},
        known_pods(cluster.workloads, pods),
        {graph.key: graph.trusts for graph in graphs},
    )


def known_pods(workloads: Iterable[Workload], pods: Iterable[RunningPod] = ()) -> list[Pod]:
    """Pods as far as they are known: one of each workload, and those that run."""
    made = [Pod(w.key.namespace, pod_labels(w), _named(w.ports), w.host_network) for w in workloads]
    return made + [Pod(p.namespace, p.labels, _named(p.ports), p.host_network, p.name) for p in pods]


def _named(ports: Iterable[ContainerPort]) -> tuple[NamedPort, ...]:
    return tuple(NamedPort(port.name, port.protocol, port.number) for port in ports if port.name)
