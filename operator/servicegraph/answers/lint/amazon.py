"""What the network policies of the Amazon VPC CNI plugin want of Services.

It looks at packets before a Service's address is replaced by a pod's, so its controller writes down the addresses of
the Services behind each egress rule, and leaves out those that it does not recognise:
https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html#cni-network-policy-considerations
"""

from collections import defaultdict
from collections.abc import Iterator

from servicegraph.answers.lint.scene import Open, Said, Scene
from servicegraph.compiler.entries import selector_text
from servicegraph.model.cluster import Service, ServicePort
from servicegraph.model.graph import ServiceParty, ServiceTerm
from servicegraph.model.policy import Direction, Flow, PodPeer
from servicegraph.model.ports import PortRange
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey, WorkloadKey

MOST_PORTS = 24
"""Combinations of port and protocol that one address may have: pods become addresses."""

Behind = dict[WorkloadKey, list[Service]]


def amazon(scene: Scene) -> Iterator[Problem]:
    """ServiceSelectorDiffers, ServicePortDiffers and TooManyPorts."""
    severity = scene.severity_on("AmazonVPC")
    if severity is None:
        return
    behind = _behind(scene)
    told: set[tuple[ServiceKey, ServiceKey, Code]] = set()
    for said in scene.said():
        opened = scene.opened(said)
        if said.direction is Direction.INGRESS or not opened:
            continue
        for service, code, grave, message in (
            *_selectors(said, opened, behind, scene, severity),
            *_ports(said, opened, scene),
        ):
            if (said.service.key, service.key, code) not in told:
                told.add((said.service.key, service.key, code))
                yield said.problem(code, grave, message)
    yield from _too_many_ports(scene, severity)


Told = tuple[Service, Code, Severity, str]


def _behind(scene: Scene) -> Behind:
    """The Services with an address of their own before each workload."""
    found: Behind = defaultdict(list)
    for key in sorted(scene.inventory.services):
        service = scene.inventory.services[key]
        if service.selector is not None and not service.headless:
            for workload in scene.pods(key.namespace, service.selector):
                found[workload.key].append(service)
    return found


def _selectors(said: Said, opened: list[Open], behind: Behind, scene: Scene, severity: Severity) -> Iterator[Told]:
    """A Service counts only where the rule's pod selector matches the Service's own selector, read as labels.

    https://github.com/aws/amazon-network-policy-controller-k8s/issues/147
    """
    peers = [(o.at.namespace, o.flow.peer) for o in opened if isinstance(o.flow.peer, PodPeer)]
    found = _named(said, scene) or [
        service
        for own, peer in peers
        for namespace in scene.namespaces(peer, own)
        for workload in scene.pods(namespace, peer.pods)
        for service in behind.get(workload.key, ())
    ]
    if not peers or not found or any(_recognised(service, peers, scene) for service in found):
        return
    if any(_recognised(service, _egress(opened), scene) for service in found):
        return
    service = found[0]
    assert service.selector is not None
    shown = " or ".join(sorted({selector_text(peer.pods) for _, peer in peers}))
    message = (
        f"the Amazon VPC CNI recognises a Service by its selector: {service.key} has "
        f"{selector_text(service.selector)}, the rule {shown}, so calls through that Service are dropped; give these "
        "pods a Service of their own with the same selector"
    )
    yield service, Code.SERVICE_SELECTOR_DIFFERS, severity, message


def _named(said: Said, scene: Scene) -> list[Service]:
    """The Services that a call goes through, where it names them."""
    party = said.entry.party
    if not isinstance(party, ServiceParty):
        return []
    keys = {party.key}
    if (declared := scene.services.get(party.key)) is not None:
        names = (term.name for term in declared.selects if isinstance(term, ServiceTerm))
        keys |= {ServiceKey(party.key.namespace, name) for name in names}
    known = (scene.inventory.services.get(key) for key in sorted(keys))
    return [
        service for service in known if service is not None and service.selector is not None and not service.headless
    ]


def _egress(opened: list[Open]) -> list[tuple[str, PodPeer]]:
    """Every pod that the caller may call, by whatever entry."""
    return [
        (o.at.namespace, flow.peer)
        for o in opened
        for flow in o.at.flows
        if flow.direction is Direction.EGRESS and isinstance(flow.peer, PodPeer)
    ]


def _recognised(service: Service, peers: list[tuple[str, PodPeer]], scene: Scene) -> bool:
    assert service.selector is not None
    labels = service.selector.labels()
    return any(
        service.key.namespace in scene.namespaces(peer, own) and peer.pods.matches(labels) for own, peer in peers
    )


def _ports(said: Said, opened: list[Open], scene: Scene) -> Iterator[Told]:
    """What Amazon asks of Services; its controller has translated numbers since, which nobody promises."""
    if scene.plugin != "AmazonVPC":
        return
    ranges = {port for o in opened for port in o.flow.ports or ()}
    for service in _named(said, scene):
        for port in service.ports:
            number = _target(service, port, scene)
            if number in (None, port.port) or PortRange(port.protocol, number or 0, number or 0) not in ranges:
                continue
            message = (
                f"port {port.port} of the Service {service.key} leads to pod port {number}: Amazon asks for Services "
                "whose port is the container's; let them agree, or try it on your version"
            )
            yield service, Code.SERVICE_PORT_DIFFERS, Severity.INFO, message


def _target(service: Service, port: ServicePort, scene: Scene) -> int | None:
    if isinstance(port.target, int):
        return port.target
    assert service.selector is not None
    pods = scene.pods(service.key.namespace, service.selector)
    return next((p.number for w in pods for p in w.ports if (p.name, p.protocol) == (port.target, port.protocol)), None)


def _too_many_ports(scene: Scene, severity: Severity) -> Iterator[Problem]:
    for graph in scene.graphs:
        for service in graph.services:
            most = max((_most(d.flows) for d in scene.of(service.key)), default=0)
            if most > MOST_PORTS:
                message = (
                    f"{service.key.name} has {most} ports open with one peer, and the Amazon VPC CNI takes "
                    f"{MOST_PORTS} for an address: join neighbouring ports into a range"
                )
                yield Problem(Code.TOO_MANY_PORTS, severity, graph.key, service.path, message)


def _most(flows: tuple[Flow, ...]) -> int:
    """The most ports that one peer has in one direction."""
    ports: dict[object, set[PortRange]] = defaultdict(set)
    for flow in flows:
        ports[flow.direction, flow.peer].update(flow.ports or ())
    return max(map(len, ports.values()), default=0)
