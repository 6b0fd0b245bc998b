"""What a cluster tells the doctor. None stands for what it does not tell this user."""

import msgspec

from servicegraph.adopt.permissions import Permission
from servicegraph.model.ports import Protocol
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey, WorkloadKey


class DaemonSet(msgspec.Struct, frozen=True):
    """A DaemonSet, with how many pods it should have and how many are ready, the tags of its images, and its words."""

    key: WorkloadKey
    desired: int
    ready: int
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Operator(msgspec.Struct, frozen=True):
    """The operator's Deployment: its image's tag, and its replicas."""

    tag: str
    desired: int
    ready: int


class Lease(msgspec.Struct, frozen=True):
    """The lease of the operator's leader, and how many seconds ago it was renewed."""

    holder: str
    age: float
    duration: float


class DNSFacts(msgspec.Struct, frozen=True):
    """A Service that resolves names: its selector, its ports, and the ports of its pods that are ready.

    A port is protocol and number.
    """

    key: ServiceKey
    selector: tuple[tuple[str, str], ...]
    ports: tuple[tuple[Protocol, int], ...]
    pod_ports: tuple[tuple[Protocol, int], ...]
    ready: int


class Facts(msgspec.Struct, frozen=True):
    """Everything.

    `version` as in v1.36.3; `serves_graphs` whether it knows the ServiceGraph, and `crd_fields` the fields it knows of
    it. `account` is the operator's ServiceAccount as namespace/name, and `denied` what it may not do. `operator` and
    `lease` are absent where they are not installed and `hidden` does not name them. `ranges` and `names` are the graphs
    that use port ranges and fqdn. `profile` is the operator's own.
    """

    version: str
    serves_graphs: bool
    daemon_sets: tuple[DaemonSet, ...] | None
    account: str
    denied: tuple[Permission, ...] | None
    own_version: str = ""
    crd_fields: frozenset[str] | None = None
    operator: Operator | None = None
    lease: Lease | None = None
    dns: DNSFacts | None = None
    corefile: str = ""
    ranges: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    profile: ClusterProfile | None = None
    hidden: frozenset[str] = frozenset()
