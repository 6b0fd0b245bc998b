"""The ends that a cluster has, as the API server knows them: pods that run the test program, Services, DNS, itself."""

from collections.abc import Callable, Iterator, Mapping

from tests.e2e.ends import Ends, Source, Target
from tests.integration.kube import Kube, Object

CONTROL_PLANE = "control-plane"
"""The role of pods in the host's network of a control plane's node: calls from there are the API server's."""

_CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"


def app_label(pod: Object) -> str | None:
    """The role of a pod that has the label `app`."""
    found: str | None = pod["metadata"]["labels"].get("app")
    return found


def given_name(pod: Object) -> str | None:
    """The role of a pod by the name that it was told to answer with."""
    return next(_given_name(pod), None)


def discover(kube: Kube, namespaces: Mapping[str, str], role_of: Callable[[Object], str | None] = app_label) -> Ends:
    """Pods that serve and the Services in front of them, of some namespaces, each with the prefix of its roles.

    `role_of` tells the role of a pod, which stands behind the prefix; a pod with none is left out.
    """
    control_planes = {
        node["metadata"]["name"]
        for node in kube.list("Node", "")
        if _CONTROL_PLANE_LABEL in node["metadata"].get("labels", {})
    }
    sources: list[Source] = []
    targets: list[Target] = []
    for namespace, prefix in namespaces.items():
        found = [(pod, role) for pod in kube.list("Pod", namespace) if serving(pod) and (role := role_of(pod))]
        pods = [(pod, prefix + role) for pod, role in found]
        for pod, role in pods:
            hosted = pod["spec"].get("hostNetwork") and pod["spec"]["nodeName"] in control_planes
            source = _source(pod, CONTROL_PLANE if hosted else role)
            sources.append(source)
            targets += _ports_of(pod, source)
        for service in kube.list("Service", namespace):
            targets += _through(service, pods)
    return Ends(tuple(sources), tuple(targets))


def cluster_ends(kube: Kube) -> Ends:
    """DNS (`dns`) and the API server (`apiserver`), each through its Service; the API server by address too."""
    dns = kube.get("Service", "kube-system", "kube-dns")
    server = kube.get("Service", "default", "kubernetes")
    assert server is not None
    assert dns is not None, "the tests expect DNS to be the Service kube-system/kube-dns"
    node_of = {
        address["address"]: frozenset((node["metadata"]["name"],))
        for node in kube.list("Node", "")
        for address in node["status"]["addresses"]
    }
    nodes, ports = _behind(kube, "kube-system", "kube-dns", "dns")
    names = _cluster("dns", "dns://kubernetes.default.svc", "UDP", ports, nodes)
    resolver = _cluster("dns", f"connect://{dns['spec']['clusterIP']}:53", "TCP", ports, nodes)
    _, ports = _behind(kube, "default", "kubernetes", "https")
    addresses = [a for s in _slices(kube, "default", "kubernetes") for e in s["endpoints"] for a in e["addresses"]]
    nodes = frozenset(name for address in addresses for name in node_of.get(address, ()))
    service = _cluster("apiserver", f"connect://{server['spec']['clusterIP']}:443", "TCP", ports, nodes)
    direct = [
        _cluster(
            "apiserver", f"connect://{address}:{port}", "TCP", frozenset((port,)), node_of.get(address, frozenset())
        )
        for address in addresses
        for port in sorted(ports)
    ]
    return Ends(targets=(names, resolver, service, *direct))


def _cluster(role: str, url: str, protocol: str, ports: frozenset[int], nodes: frozenset[str]) -> Target:
    arrivals = frozenset((role, port) for port in ports)
    return Target(role, url, protocol, arrivals, in_network=role == "dns", nodes=nodes, by_service=True)


def serving(pod: Object) -> bool:
    """Whether a pod is Ready, stays, and runs the test program as a server."""
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
    going = "deletionTimestamp" in pod["metadata"]
    return ready and not going and pod["spec"]["containers"][0].get("args", [""])[0] == "serve"


def _source(pod: Object, role: str) -> Source:
    meta, node = pod["metadata"], pod["spec"]["nodeName"]
    command = ("kubectl", "exec", "--stdin", "--namespace", meta["namespace"], meta["name"], "--")
    return Source(f"{role}@{node}/{meta['name']}", role, node, not pod["spec"].get("hostNetwork", False), command)


def _ports_of(pod: Object, source: Source) -> Iterator[Target]:
    answers = frozenset((pod["metadata"]["name"] if source.in_network else source.node, *_given_name(pod)))
    for protocol in ("TCP", "UDP"):
        for port in _listening(pod, protocol):
            yield Target(
                source.name,
                f"{protocol.lower()}://{pod['status']['podIP']}:{port}",
                protocol,
                frozenset(((source.role, port),)),
                source.in_network,
                frozenset((source.node,)),
                frozenset((source.pod,)),
                answers,
            )


def _through(service: Object, pods: list[tuple[Object, str]]) -> Iterator[Target]:
    """The ports of a Service with pods behind it; a headless one has no address of its own."""
    selector, address = service["spec"].get("selector"), service["spec"].get("clusterIP")
    chosen = [(p, role) for p, role in pods if selector and selector.items() <= p["metadata"]["labels"].items()]
    if not chosen or not address or address == "None":
        return
    behind = [pod for pod, _ in chosen]
    names = frozenset(pod["metadata"]["name"] for pod in behind)
    for port in service["spec"]["ports"]:
        protocol = port.get("protocol", "TCP")
        yield Target(
            f"Service {service['metadata']['name']}",
            f"{protocol.lower()}://{address}:{port['port']}",
            protocol,
            frozenset((role, n) for pod, role in chosen for n in _numbers(pod, port["targetPort"], protocol)),
            not any(pod["spec"].get("hostNetwork") for pod in behind),
            frozenset(pod["spec"]["nodeName"] for pod in behind),
            names,
            names.union(*map(_given_name, behind)),
            by_service=True,
        )


def _numbers(pod: Object, target_port: int | str, protocol: str) -> Iterator[int]:
    if isinstance(target_port, int):
        yield target_port
        return
    for port in pod["spec"]["containers"][0].get("ports", ()):
        if port.get("name") == target_port and port.get("protocol", "TCP") == protocol:
            yield port["containerPort"]


def _listening(pod: Object, protocol: str) -> list[int]:
    option = f"--{protocol.lower()}="
    written = [arg.removeprefix(option) for arg in pod["spec"]["containers"][0]["args"] if arg.startswith(option)]
    ports: set[int] = set()
    for part in ",".join(written).split(","):
        low, _, high = part.partition("-")
        ports.update(range(int(low), int(high or low) + 1) if low else ())
    return sorted(ports)


def _given_name(pod: Object) -> Iterator[str]:
    for arg in pod["spec"]["containers"][0]["args"]:
        if arg.startswith("--name="):
            yield arg.removeprefix("--name=")


def _behind(kube: Kube, namespace: str, service: str, port_name: str) -> tuple[frozenset[str], frozenset[int]]:
    slices = _slices(kube, namespace, service)
    nodes = frozenset(end["nodeName"] for s in slices for end in s["endpoints"] if "nodeName" in end)
    return nodes, frozenset(port["port"] for s in slices for port in s["ports"] if port["name"] == port_name)


def _slices(kube: Kube, namespace: str, service: str) -> list[Object]:
    found = kube.list("EndpointSlice", namespace)
    return [s for s in found if s["metadata"]["labels"].get("kubernetes.io/service-name") == service]
