"""The two ends of a call: where calls are made from, and what is called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be told to call: a pod, or a host outside. `command` runs the test program in it.

    `node` is where it is, empty outside the cluster. `in_network` says that it has an address of the pod network, where
    policies hold; pods in the host's network and hosts outside have none.
    """

    name: str
    role: str
    node: str
    in_network: bool
    command: tuple[str, ...]

    @property
    def pod(self) -> str:
        """The name of the pod, with which the test program answers where it was not told another."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Target:
    """One port of something that can be called: by address, or through a Service.

    `arrivals` are the roles and pod ports where the call may arrive, several where the pods behind a Service differ;
    `pods` and `nodes` say where that is. `answers` are the names that may answer, none where it does not tell its name.
    """

    name: str
    url: str
    protocol: str
    arrivals: frozenset[tuple[str, int]]
    in_network: bool
    nodes: frozenset[str] = frozenset()
    pods: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    by_service: bool = False


@dataclass(frozen=True, slots=True)
class Ends:
    """All ends there are."""

    sources: tuple[Source, ...] = ()
    targets: tuple[Target, ...] = ()

    def __add__(self, other: "Ends") -> "Ends":
        return Ends(self.sources + other.sources, self.targets + other.targets)

    @property
    def roles(self) -> frozenset[str]:
        """The names that scenarios speak of."""
        called = (role for target in self.targets for role, _ in target.arrivals)
        return frozenset((*(source.role for source in self.sources), *called))


def decided_by_policies(source: Source, target: Target) -> bool:
    """Whether policies decide a call, so that it can be right or wrong.

    Left out: a pod and its own node, which reach each other by the API's definition; a pod's calls to itself, directly
    or through a Service that it stands behind; calls between two ends outside the pod network; Services called from
    outside the cluster.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#what-you-can-t-do-with-network-policies-at-least-not-yet
    """
    if source.pod in target.pods:
        return False
    if not source.in_network and not target.in_network:
        return False
    if source.in_network and target.in_network:
        return True
    return source.node not in target.nodes and not (target.by_service and not source.node)
