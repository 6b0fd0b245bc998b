"""A cache of DNS on every node, which pods ask instead of the Service of the profile (R6)."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Open, Scene, listed
from servicegraph.compiler.entries import selector_text
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Workload
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Direction, PodPeer
from servicegraph.model.ports import PortRange, subtract_ranges
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.selectors import EVERYTHING, Selector

_NAMES = ("node-local-dns", "nodelocaldns")
"""What the DaemonSet is called: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/ and kubespray."""

_QUERIES: tuple[PortRange, ...] = (PortRange("UDP", 53, 53),)


def node_local_dns(scene: Scene) -> Iterator[Problem]:
    """NodeLocalDNS: the cache is there, and nothing allows asking it."""
    cache = next((w for w in scene.inventory.matching("kube-system", EVERYTHING) if _is_cache(w)), None)
    if cache is None:
        return
    for graph in scene.graphs:
        asking = scene.asks_dns(graph)
        if not asking:
            continue
        message = _on_host(cache, scene) if cache.host_network else _in_pods(cache, graph, asking, scene)
        if message is not None:
            yield Problem(Code.NODE_LOCAL_DNS, Severity.WARNING, graph.key, ".spec.dns", message)


def _is_cache(workload: Workload) -> bool:
    return workload.key.kind == "DaemonSet" and (
        workload.key.name in _NAMES or pod_labels(workload).get("k8s-app") in _NAMES
    )


def _on_host(cache: Workload, scene: Scene) -> str | None:
    if scene.profile.dns.addresses:
        return None
    return (
        f"{cache.key} answers DNS from the host's network, which no pod selector matches: write its address, by "
        "default 169.254.20.10, and where kube-proxy runs in iptables mode the DNS Service's own too, as "
        "dns.addresses in the ClusterProfile"
    )


def _in_pods(cache: Workload, graph: Graph, asking: list[Open], scene: Scene) -> str | None:
    """A cache in pods of its own takes the queries over by a local redirect of Cilium's."""
    without = sorted(
        {opened.at.service for opened in asking if opened.at.service and not _reaches(cache, opened, scene)}
    )
    if not without:
        return None
    pods = Selector.from_labels({k: v for k, v in pod_labels(cache).items() if k in cache.selector.labels()})
    return (
        f"DNS queries are redirected to the pods of {cache.key}, and {listed(key.name for key in without)} may not "
        f"reach them: call pods {selector_text(pods)} of the namespace kube-system at 53/UDP and 53/TCP"
    )


def _reaches(cache: Workload, opened: Open, scene: Scene) -> bool:
    left = _QUERIES
    for flow in opened.at.flows:
        peer = flow.peer
        if flow.direction is not Direction.EGRESS or not isinstance(peer, PodPeer) or flow.ports is None:
            continue
        if "kube-system" in scene.namespaces(peer, opened.at.namespace) and peer.pods.matches(pod_labels(cache)):
            left = subtract_ranges(left, flow.ports)
    return not left
