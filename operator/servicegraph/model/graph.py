"""A ServiceGraph after parsing: parties and ports with their meaning, each entry with its place in the resource."""

from enum import StrEnum
from typing import Literal

import msgspec

from servicegraph.model.policy import Direction, Mode
from servicegraph.model.ports import WrittenPort
from servicegraph.model.refs import GraphKey, ServiceKey, WorkloadKey
from servicegraph.model.selectors import Selector


class ServiceParty(msgspec.Struct, frozen=True, gc=False):
    """A service by name: of a graph, else the Service or the workloads of that name."""

    key: ServiceKey


class PodsParty(msgspec.Struct, frozen=True, gc=False):
    """Pods by label; `namespaces` is None for the graph's own namespace."""

    pods: Selector
    namespaces: Selector | None = None


class AddressParty(msgspec.Struct, frozen=True, gc=False):
    """Addresses outside the cluster."""

    cidr: str
    excluded: tuple[str, ...] = ()


class NameParty(msgspec.Struct, frozen=True, gc=False):
    """Outside hosts by DNS name: exact, or with one leading `*.` that stands for one label."""

    pattern: str


class NamedParty(msgspec.Struct, frozen=True, gc=False):
    """A party the ClusterProfile names."""

    name: str


class Place(StrEnum):
    """Parties that only the cluster can put into addresses."""

    INTERNET = "internet"
    NODES = "nodes"
    KUBE_API_SERVER = "kubeAPIServer"
    ANYWHERE = "anywhere"


class PlaceParty(msgspec.Struct, frozen=True, gc=False):
    """One of the places."""

    place: Place


Party = ServiceParty | PodsParty | AddressParty | NameParty | NamedParty | PlaceParty


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One of `calls` or `accepts`.

    `text` names it by its keys, independent of the order of lists; `path` is its JSON path in the resource.
    `default` marks an entry that came from `defaults` (skipped where the service lacks its named port). `reason` is
    for reviewers.
    """

    party: Party
    ports: tuple[WrittenPort, ...]
    path: str
    text: str
    default: bool = False
    reason: str | None = None


class ServiceTerm(msgspec.Struct, frozen=True, gc=False):
    """`selects: {service}`: the pods of a Service."""

    name: str


class WorkloadTerm(msgspec.Struct, frozen=True, gc=False):
    """`selects: {workload}`."""

    key: WorkloadKey


class LabelsTerm(msgspec.Struct, frozen=True, gc=False):
    """`selects: {labels}`."""

    selector: Selector


TermSource = ServiceTerm | WorkloadTerm | LabelsTerm


class Listen(msgspec.Struct, frozen=True, order=True, gc=False):
    """An entry of the service's own `ports`."""

    number: int
    protocol: Literal["TCP", "UDP", "SCTP"]
    name: str | None = None


class DeclaredService(msgspec.Struct, frozen=True):
    """A service of a graph, with the graph's defaults filled in."""

    key: ServiceKey
    graph: GraphKey
    path: str
    mode: Mode
    engine: Literal["Auto", "NetworkPolicy", "Cilium"]
    directions: tuple[Direction, ...]
    dns: Literal["WhenCalling", "Always", "Never"]
    selects: tuple[TermSource, ...]
    listens: tuple[Listen, ...]
    calls: tuple[Entry, ...]
    accepts: tuple[Entry, ...]


class Ignore(msgspec.Struct, frozen=True):
    """A finding the author does not want to see again; `service` None means in the whole graph."""

    code: str
    service: str | None
    reason: str | None


class Graph(msgspec.Struct, frozen=True):
    """A parsed ServiceGraph. `uid`, `generation` and `created` are empty where it comes from a file."""

    key: GraphKey
    mode: Mode
    isolation: Literal["Members", "Namespace"]
    engine: Literal["Auto", "NetworkPolicy", "Cilium"]
    directions: tuple[Direction, ...]
    services: tuple[DeclaredService, ...]
    trusts: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    uid: str = ""
    generation: int = 0
    created: str = ""
