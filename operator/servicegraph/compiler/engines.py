"""Which engine a service's policies are for (R11): the plain API wherever it can say what is meant."""

from collections.abc import Iterable

from servicegraph.model.graph import DeclaredService
from servicegraph.model.policy import Engine, EntityPeer, Flow, LookupPeer, NamePeer
from servicegraph.model.profile import ClusterProfile


def speaks_cilium(service: DeclaredService, profile: ClusterProfile) -> bool:
    """Whether the policies of a service may say what only Cilium understands: names and entities."""
    return profile.engine.name == "Cilium" and service.engine != "NetworkPolicy"


def engine_of(service: DeclaredService, flows: Iterable[Flow], profile: ClusterProfile) -> Engine:
    """The engine for one term of a service, all its directions, so that they are one object (R1)."""
    if not speaks_cilium(service, profile):
        return Engine.NETWORK_POLICY
    if service.engine == "Cilium" or any(isinstance(f.peer, NamePeer | EntityPeer | LookupPeer) for f in flows):
        return Engine.CILIUM
    return Engine.NETWORK_POLICY
