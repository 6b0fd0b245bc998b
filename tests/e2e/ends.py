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

    `ports` are the pods' ports that the call arrives at: several where the pods behind a Service differ. `nodes` are
    those where it may arrive. `answers` are the names that may answer, none where it does not tell its name.
    """

    name: str
    role: str
    url: str
    protocol: str
    ports: frozenset[int]
    nodes: frozenset[str]
    in_network: bool
    by_service: bool = False
    answers: frozenset[str] = frozenset()


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
        return frozenset((*(source.role for source in self.sources), *(target.role for target in self.targets)))


def decided_by_policies(source: Source, target: Target) -> bool:
    """Whether policies decide a call, so that it can be right or wrong.

    Left out: a pod and its own node, which reach each other by the API's definition; a pod's calls to itself, directly
    or through a Service that it stands behind; calls between two ends outside the pod network; Services called from
    outside the cluster.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#what-you-can-t-do-with-network-policies-at-least-not-yet
    """
    if not source.in_network and not target.in_network:
        return False
    if target.by_service and (source.role == target.role or source.pod in target.answers or not source.node):
        return False
    if not (source.in_network and target.in_network) and source.node in target.nodes:
        return False
    return source.name != target.name
