"""Which engine a service's policies are for (R11): the plain API wherever it can say what is meant."""

from collections.abc import Iterable

from servicegraph.model.graph import DeclaredService
from servicegraph.model.policy import AnyPeer, Engine, EntityPeer, Flow, LookupPeer, NamePeer
from servicegraph.model.ports import subtract_ranges
from servicegraph.model.profile import ClusterProfile


def speaks_cilium(service: DeclaredService, profile: ClusterProfile) -> bool:
    """Whether the policies of a service may say what only Cilium understands: names and entities."""
    return profile.engine.name == "Cilium" and service.engine != "NetworkPolicy"


def engine_of(service: DeclaredService, flows: Iterable[Flow], profile: ClusterProfile) -> Engine:
    """The engine for one term of a service, all its directions, so that they are one object (R1)."""
    if not speaks_cilium(service, profile):
        return Engine.NETWORK_POLICY
    flows = tuple(flows)
    if service.engine == "Cilium" or any(_needs_cilium(flow, flows) for flow in flows):
        return Engine.CILIUM
    return Engine.NETWORK_POLICY


def _needs_cilium(flow: Flow, flows: tuple[Flow, ...]) -> bool:
    """Whether a flow is to a peer that only Cilium knows, and not one of those that are allowed with any peer."""
    if not isinstance(flow.peer, NamePeer | EntityPeer | LookupPeer):
        return False
    left = flow.ports
    for other in flows:
        if isinstance(other.peer, AnyPeer) and other.direction is flow.direction:
            if other.ports is None:
                return False
            left = left and subtract_ranges(left, other.ports)
    return left is None or bool(left)
