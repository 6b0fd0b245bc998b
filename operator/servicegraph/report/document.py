"""The document behind every form of the report: what `-o json` prints and what the page holds."""

from enum import StrEnum

import msgspec

Point = tuple[float, float]


class NodeKind(StrEnum):
    """A service; a party, by the field that names it in a graph; or a service that nothing here tells of."""

    SERVICE = "service"
    PODS = "pods"
    CIDR = "cidr"
    FQDN = "fqdn"
    PARTY = "party"
    INTERNET = "internet"
    NODES = "nodes"
    KUBE_API_SERVER = "kubeAPIServer"
    ANYWHERE = "anywhere"
    UNKNOWN = "unknown"


class State(StrEnum):
    """What became of an entry, or that no entry is behind it: a policy of somebody else allows it."""

    ACTIVE = "Active"
    AWAITING_CONSENT = "AwaitingConsent"
    UNRESOLVED = "Unresolved"
    UNSUPPORTED = "Unsupported"
    UNDECLARED = "Undeclared"


class Origin(msgspec.Struct, frozen=True):
    """An entry of a graph and where it stands; `line` is 0 where it stands in no file."""

    graph: str
    path: str
    text: str
    file: str
    line: int
    reason: str | None = None


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """A service, or a party outside the graphs: as a caller (`from internet`) or as a callee (`to internet`).

    `isolated` are the directions in which some policy in force selects its pods; `has_pods` says that it counts in a
    blast radius; `enters` and `leaves` that something outside the cluster reaches it, or is reached by it. `policies`
    are places in the list of policies.
    """

    id: str
    kind: NodeKind
    name: str
    namespace: str | None = None
    graph: str | None = None
    path: str = ""
    file: str = ""
    line: int = 0
    mode: str | None = None
    isolated: tuple[str, ...] = ()
    has_pods: bool = False
    enters: bool = False
    leaves: bool = False
    policies: tuple[int, ...] = ()


class Edge(msgspec.Struct, frozen=True, rename="camel"):
    """A call, an acceptance from outside, or (Undeclared) what a rule allows that no graph gives.

    `ports` are as written, empty for all; `pod_ports` what they are at the pods. `passes`: the policies in force let
    it pass. `origin` is a place in the list of origins, `policy` one in the list of policies.
    """

    source: str
    target: str
    state: State
    ports: tuple[str, ...] = ()
    pod_ports: tuple[str, ...] = ()
    passes: bool = False
    origin: int | None = None
    policy: int | None = None
    rule: str | None = None


class Peer(msgspec.Struct, frozen=True):
    """Who a rule is about: in words, the node where it is one, and the entries behind it."""

    text: str
    node: str | None = None
    origins: tuple[int, ...] = ()


class Rule(msgspec.Struct, frozen=True):
    """Peers that share ports; without ports, every port."""

    peers: tuple[Peer, ...]
    ports: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """A NetworkPolicy in force, or one that DryRun holds back. `compiled`: a graph gives it."""

    namespace: str
    name: str
    selects: str
    in_force: bool
    compiled: bool
    directions: tuple[str, ...]
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]
    file: str = ""
    line: int = 0


class Hop(msgspec.Struct, frozen=True):
    """One service reaches another in a way that is no edge between the two, with the edge that lets it, if one does."""

    source: str
    target: str
    edge: int | None = None


class Open(msgspec.Struct, frozen=True):
    """Every one of `sources` reaches every one of `targets`: nothing isolates one end, and the other lets it."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


class Layout(msgspec.Struct, frozen=True):
    """Where everything is drawn: left, top, width and height of nodes and of namespaces.

    `edges` are in the order of the picture's: where one starts, the control points of quadratic curves of which each
    goes on half-way to the next point, and where it ends.
    """

    width: float
    height: float
    nodes: dict[str, tuple[float, float, float, float]]
    namespaces: dict[str, tuple[float, float, float, float]]
    edges: tuple[tuple[Point, ...], ...]


class Picture(msgspec.Struct, frozen=True):
    """Everything but problems and summary.

    Services come before parties, what graphs state before what only policies allow. `allowed` is how many services
    reach how many others directly.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    origins: tuple[Origin, ...]
    policies: tuple[Policy, ...]
    hops: tuple[Hop, ...]
    open: tuple[Open, ...]
    allowed: int
