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
        pods = [pod for pod in kube.list("Pod", namespace) if serving(pod) and role_of(pod)]
        for pod in pods:
            role = f"{prefix}{role_of(pod)}"
            if pod["spec"].get("hostNetwork") and pod["spec"]["nodeName"] in control_planes:
                role = CONTROL_PLANE
            source = _source(pod, role)
            sources.append(source)
            targets += _ports_of(pod, source)
        for service in kube.list("Service", namespace):
            targets += _through(service, pods, prefix, role_of)
    return Ends(tuple(sources), tuple(targets))


def cluster_ends(kube: Kube) -> Ends:
    """DNS (`dns`) and the API server (`apiserver`), each through its Service; the API server by address too."""
    dns = kube.get("Service", "kube-system", "kube-dns")
    assert dns is not None, "the tests expect DNS to be the Service kube-system/kube-dns"
    ask = "dns://kubernetes.default.svc"
    nodes, ports = _behind(kube, "kube-system", "kube-dns", "dns")
    address = f"connect://{dns['spec']['clusterIP']}:53"
    found = [
        Target("dns", "dns", ask, "UDP", ports, nodes, in_network=True, by_service=True),
        Target("dns", "dns", address, "TCP", ports, nodes, in_network=True, by_service=True),
    ]
    server = kube.get("Service", "default", "kubernetes")
    assert server is not None
    _, ports = _behind(kube, "default", "kubernetes", "https")
    node_of = {
        address["address"]: node["metadata"]["name"]
        for node in kube.list("Node", "")
        for address in node["status"]["addresses"]
    }
    addresses = [a for s in _slices(kube, "default", "kubernetes") for e in s["endpoints"] for a in e["addresses"]]
    nodes = frozenset(node_of[address] for address in addresses if address in node_of)
    url = f"connect://{server['spec']['clusterIP']}:443"
    found.append(Target("apiserver", "apiserver", url, "TCP", ports, nodes, in_network=False, by_service=True))
    for address in addresses:
        at = frozenset((node_of[address],) if address in node_of else ())
        for port in sorted(ports):
            url = f"connect://{address}:{port}"
            found.append(Target(f"apiserver@{address}", "apiserver", url, "TCP", frozenset((port,)), at, False))
    return Ends(targets=tuple(found))


def serving(pod: Object) -> bool:
    """Whether a pod is Ready, stays, and runs the test program as a server."""
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
    going = "deletionTimestamp" in pod["metadata"]
    return ready and not going and pod["spec"]["containers"][0].get("args", [""])[0] == "serve"


def _source(pod: Object, role: str) -> Source:
    meta, node = pod["metadata"], pod["spec"]["nodeName"]
    command = ("kubectl", "exec", "--namespace", meta["namespace"], meta["name"], "--")
    return Source(f"{role}@{node}/{meta['name']}", role, node, not pod["spec"].get("hostNetwork", False), command)


def _ports_of(pod: Object, source: Source) -> Iterator[Target]:
    hosted = not source.in_network
    answers = frozenset((source.node if hosted else pod["metadata"]["name"], *_given_name(pod)))
    for protocol in ("TCP", "UDP"):
        for port in _listening(pod, protocol):
            url = f"{protocol.lower()}://{pod['status']['podIP']}:{port}"
            nodes = frozenset((source.node,))
            yield Target(
                source.name, source.role, url, protocol, frozenset((port,)), nodes, not hosted, answers=answers
            )


def _through(
    service: Object, pods: list[Object], prefix: str, role_of: Callable[[Object], str | None]
) -> Iterator[Target]:
    """The ports of a Service with pods behind it, whose role is that of one of them; a headless one has no address."""
    selector, address = service["spec"].get("selector"), service["spec"].get("clusterIP")
    chosen = [pod for pod in pods if selector and selector.items() <= pod["metadata"]["labels"].items()]
    if not chosen or not address or address == "None":
        return
    role = f"{prefix}{role_of(chosen[0])}"
    nodes = frozenset(pod["spec"]["nodeName"] for pod in chosen)
    answers = frozenset(name for pod in chosen for name in (pod["metadata"]["name"], *_given_name(pod)))
    in_network = not any(pod["spec"].get("hostNetwork") for pod in chosen)
    for port in service["spec"]["ports"]:
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        numbers = frozenset(number for pod in chosen for number in _numbers(pod, port["targetPort"], protocol))
        name = f"Service {service['metadata']['name']}"
        yield Target(name, role, url, protocol, numbers, nodes, in_network, True, answers)


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
