"""What graphs and policies say of a connection that was observed, both halves of it."""

from collections.abc import Iterable, Sequence

import msgspec

from servicegraph.answers.scene import Found, Scene
from servicegraph.model.cluster import Cluster
from servicegraph.model.graph import DeclaredService, Graph
from servicegraph.model.policy import Direction, Mode, Origin
from servicegraph.model.ports import Protocol
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from servicegraph.verify.ends import End, Pod
from servicegraph.verify.verdicts import Half, Policies, Verdict


class Opinion(msgspec.Struct, frozen=True):
    """Whether the graphs alone, all enforced in both directions, let each half pass, and by which entries.

    `isolated` is false where they are not about either end. `stopped_by` are the policies that would stop it: those
    the graphs give as they are, DryRun counting as Enforce, beside those of others.
    """

    egress: bool
    ingress: bool
    isolated: bool
    origins: tuple[Origin, ...]
    stopped_by: tuple[str, ...]


class Observer:
    """Graphs and policies, ready to be asked about many connections."""

    def __init__(
        self, graphs: Sequence[Graph], cluster: Cluster, profile: ClusterProfile, found: Sequence[Found] = ()
    ) -> None:
        self._declared = Scene([_with(graph, both=True) for graph in graphs], cluster, profile)
        self._in_force = Scene([_with(graph, both=False) for graph in graphs], cluster, profile, found)

    def terms(self) -> dict[ServiceKey, tuple[Selector, ...]]:
        """The selectors of each declared service."""
        services = [service for graph in self._declared.graphs.values() for service in graph.services]
        return {s.key: tuple(term.selector for term in self._declared.subject(s.key).terms) for s in services}

    def api_server_ports(self) -> tuple[int, ...]:
        """The TCP ports of the API server, as far as they are known."""
        return self._declared.api_server_ports()

    def opinion(self, source: End, destination: End, protocol: Protocol, port: int) -> Opinion:
        """What is to be said of one connection."""
        said = _verdict(self._declared, source, destination, protocol, port)
        allowances = (a for half in (said.egress, said.ingress) for a in half.allowed_by)
        origins = [o for a in allowances for o in self._declared.origins(a, protocol, port)]
        real = _verdict(self._in_force, source, destination, protocol, port)
        return Opinion(
            said.egress.allowed,
            said.ingress.allowed,
            bool(said.egress.isolated_by or said.ingress.isolated_by),
            tuple(dict.fromkeys(origins)),
            (*_stopping(real.egress, Direction.EGRESS), *_stopping(real.ingress, Direction.INGRESS)),
        )


def _verdict(scene: Scene, source: End, destination: End, protocol: Protocol, port: int) -> Verdict:
    policies: Policies = scene.policies(*(end.namespace for end in (source, destination) if isinstance(end, Pod)))
    return policies.verdict(source, destination, protocol, port)


def _stopping(half: Half, direction: Direction) -> Iterable[str]:
    if half.allowed:
        return []
    return [f"{direction.value.lower()} of {policy.key}" for policy in half.isolated_by]


def _with(graph: Graph, *, both: bool) -> Graph:
    """The graph as if it were enforced; with `both`, whole, in both directions."""

    def enforced(service: DeclaredService) -> DeclaredService:
        if both:
            return msgspec.structs.replace(service, mode=Mode.ENFORCE, directions=tuple(Direction))
        return msgspec.structs.replace(service, mode=_mode(service.mode))

    mode = Mode.ENFORCE if both else _mode(graph.mode)
    directions = tuple(Direction) if both else graph.directions
    return msgspec.structs.replace(
        graph, mode=mode, directions=directions, services=tuple(map(enforced, graph.services))
    )


def _mode(mode: Mode) -> Mode:
    return Mode.ENFORCE if mode is Mode.DRY_RUN else mode
