"""Service meshes that carry traffic through ports of their own: policies see those and not the application's."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Scene, listed
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.graph import Graph
from servicegraph.model.policy import AnyPeer, Declared, Direction, Flow, PodPeer
from servicegraph.model.ports import PortRange, subtract_ranges
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import Mesh

TUNNELS: dict[Mesh, int] = {"IstioAmbient": 15008, "Linkerd": 4143}
"""The TCP port at which pods of a mesh meet, whatever port was called.

https://istio.io/latest/docs/ambient/usage/networkpolicy/ and https://linkerd.io/2/common-errors/network-policy/
"""

CONTROL_PLANES: dict[Mesh, tuple[str, tuple[int, ...]]] = {
    "Istio": ("istio-system", (15012,)),
    "Linkerd": ("linkerd", (8080, 8086, 8090)),
}
"""Where sidecars get their certificates and configuration: the usual namespace and TCP ports of pods.

https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio and
https://linkerd.io/2/reference/architecture/
"""


def mesh(scene: Scene) -> Iterator[Problem]:
    """MeshPort and MeshControlPlane, each once for a graph and mesh."""
    for graph in scene.graphs:
        members = [(d, m) for s in graph.services for d in scene.of(s.key) if (m := _mesh_of(d, scene)) is not None]
        for name, port in TUNNELS.items():
            shut = [str(d.service.name) for d, m in members if m == name and d.service and _shut(d, name, port, scene)]
            if shut:
                yield Problem(Code.MESH_PORT, Severity.WARNING, graph.key, ".spec.services", _tunnel(name, port, shut))
        for name, (namespace, ports) in CONTROL_PLANES.items():
            cut = [d.service.name for d, m in members if m == name and d.service and _cut(d, namespace, ports, scene)]
            if cut:
                yield _control_plane(graph, name, namespace, ports, cut)


def _mesh_of(declared: Declared, scene: Scene) -> Mesh | None:
    """The mesh that the pods of a service are in: what Istio's labels say, else the profile."""
    pods = scene.pods(declared.namespace, declared.subject)
    return _labelled(dict(pod_labels(pods[0])) if pods else {}, declared.namespace, scene)


def _labelled(pod: dict[str, str], namespace: str, scene: Scene) -> Mesh | None:
    there = scene.labels(namespace)
    mode = pod.get("istio.io/dataplane-mode") or there.get("istio.io/dataplane-mode")
    if mode == "ambient":
        return "IstioAmbient"
    inject = pod.get("sidecar.istio.io/inject")
    if inject == "true" or (inject is None and (there.get("istio-injection") == "enabled" or "istio.io/rev" in there)):
        return "Istio"
    told = namespace in scene.inventory.namespaces or mode == "none" or inject == "false"
    return None if told and scene.profile.mesh != "Linkerd" else scene.profile.mesh


def _shut(declared: Declared, name: Mesh, port: int, scene: Scene) -> bool:
    """Whether pods of a mesh talk to others of it, and a direction leaves the tunnel's port closed."""
    return any(_closed(declared, direction, name, port, scene) for direction in declared.isolated)


def _closed(declared: Declared, direction: Direction, name: Mesh, port: int, scene: Scene) -> bool:
    flows = [flow for flow in declared.flows if flow.direction is direction and _between_pods(flow)]
    within = any(_in_mesh(flow, declared.namespace, name, scene) for flow in flows)
    return within and bool(_left(flows, (port,)))


def _between_pods(flow: Flow) -> bool:
    return isinstance(flow.peer, PodPeer | AnyPeer) and not flow.origin.path.endswith(".dns")


def _in_mesh(flow: Flow, own: str, name: Mesh, scene: Scene) -> bool:
    if not isinstance(flow.peer, PodPeer):
        return False
    return any(_labelled({}, namespace, scene) == name for namespace in scene.namespaces(flow.peer, own))


def _cut(declared: Declared, namespace: str, ports: tuple[int, ...], scene: Scene) -> bool:
    if Direction.EGRESS not in declared.isolated:
        return False
    towards = [
        flow
        for flow in declared.flows
        if flow.direction is Direction.EGRESS
        and isinstance(flow.peer, PodPeer)
        and flow.peer.namespaces is not None
        and (flow.peer.namespaces.matches(scene.labels(namespace)) or namespace not in scene.inventory.namespaces)
    ]
    return bool(_left(towards, ports))


def _left(flows: list[Flow], ports: tuple[int, ...]) -> tuple[PortRange, ...]:
    left = tuple(PortRange("TCP", port, port) for port in ports)
    for flow in flows:
        left = () if flow.ports is None else subtract_ranges(left, flow.ports)
    return left


def _tunnel(name: Mesh, port: int, shut: list[str]) -> str:
    shown = {"IstioAmbient": "Istio's ambient mode", "Linkerd": "Linkerd"}[name]
    return (
        f"{shown} carries traffic between pods to TCP port {port}, which is closed at {listed(shut)}: beside each call "
        f"by name, write one of those pods by their labels with ports: [{port}], and accept the callers likewise"
    )


def _control_plane(graph: Graph, name: Mesh, namespace: str, ports: tuple[int, ...], cut: list[str]) -> Problem:
    shown = ", ".join(map(str, ports))
    message = (
        f"the sidecars of {name} cannot reach its control plane from {listed(cut)}: write "
        f"calls: [{{pods: {{namespace: {namespace}, labels: {{...}}}}, ports: [{shown}]}}]"
    )
    return Problem(Code.MESH_CONTROL_PLANE, Severity.WARNING, graph.key, ".spec.services", message)
