"""What happens to packets before a policy sees them, and protocols that plugins leave out."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Said, Scene, listed
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Service
from servicegraph.model.graph import AddressParty, Place, PlaceParty
from servicegraph.model.policy import Direction
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector, implies


def source_address_lost(scene: Scene) -> Iterator[Problem]:
    """SourceAddressLost: a node stands between, and its address is the source that the policy sees.

    https://kubernetes.io/docs/tutorials/services/source-ip/
    """
    hiding = [service for service in scene.inventory.services.values() if service.hides_sources]
    for said in scene.said() if hiding else ():
        if said.direction is Direction.EGRESS or not _by_address(said) or _takes_nodes(said):
            continue
        pods = {(opened.at.namespace, opened.at.subject) for opened in scene.opened(said)}
        through = sorted(s.key for s in hiding if any(_before(s, *place, scene) for place in pods))
        if through:
            yield said.problem(Code.SOURCE_ADDRESS_LOST, Severity.WARNING, _message(through))


def _message(through: list[ServiceKey]) -> str:
    return (
        f"what comes in through the Service {listed(through)} may carry a node's address instead of the sender's, "
        "which this entry does not accept: set externalTrafficPolicy: Local there, or accept nodes: true as well"
    )


def _by_address(said: Said) -> bool:
    party = said.entry.party
    return isinstance(party, AddressParty) or (isinstance(party, PlaceParty) and party.place is Place.INTERNET)


def _takes_nodes(said: Said) -> bool:
    parties = [entry.party for entry in said.service.accepts]
    return any(isinstance(p, PlaceParty) and p.place in (Place.NODES, Place.ANYWHERE) for p in parties)


def _before(service: Service, namespace: str, pods: Selector, scene: Scene) -> bool:
    """Whether a Service stands before these pods."""
    selector = service.selector
    if selector is None or service.key.namespace != namespace:
        return False
    shares = any(pods.matches(pod_labels(w)) for w in scene.pods(namespace, selector))
    return shares or implies(selector, pods) or implies(pods, selector)


def sctp_not_enabled(scene: Scene) -> Iterator[Problem]:
    """SCTPNotEnabled: https://docs.cilium.io/en/stable/configuration/sctp/."""
    severity = scene.severity_on("Cilium", "GKEDataplaneV2")
    if severity is None:
        return
    for said in scene.said():
        if any(port.protocol == "SCTP" for opened in scene.opened(said) for port in opened.flow.ports or ()):
            message = (
                "Cilium drops SCTP unless it is installed with sctp.enabled=true, and then translates no ports: a "
                "Service's port and targetPort must agree"
            )
            yield said.problem(Code.SCTP_NOT_ENABLED, severity, message)


def not_enforced(scene: Scene) -> Iterator[Problem]:
    """NotEnforced, where the profile names a plugin that knows no policies."""
    if scene.plugin == "Flannel":
        for graph in scene.graphs:
            message = (
                "flannel enforces no policies by itself: add a policy engine, such as Calico's (Canal) or "
                "kube-network-policies, and name it as engine.plugin of the ClusterProfile"
            )
            yield Problem(Code.NOT_ENFORCED, Severity.WARNING, graph.key, ".spec", message)
