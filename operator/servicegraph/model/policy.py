"""The intermediate form of a policy: what every engine emits from."""

from enum import StrEnum
from typing import Literal

import msgspec

from servicegraph.model.cluster import Listening
from servicegraph.model.ports import PortRange
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.model.selectors import EVERYTHING, Selector


class Direction(StrEnum):
    """The policyTypes of networking.k8s.io/v1."""

    INGRESS = "Ingress"
    EGRESS = "Egress"


class Mode(StrEnum):
    """What is done with the policies of a service."""

    ENFORCE = "Enforce"
    DRY_RUN = "DryRun"
    OFF = "Off"


class Engine(StrEnum):
    """What enforces a policy, and so the kind of object it becomes."""

    NETWORK_POLICY = "NetworkPolicy"
    CILIUM = "Cilium"


class PodPeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Pods by label. `namespaces` is None for the policy's own namespace (R4)."""

    pods: Selector
    namespaces: Selector | None = None


class AddressPeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Addresses outside the pod network: ipBlock. `excluded` are CIDRs inside `cidr`."""

    cidr: str
    excluded: tuple[str, ...] = ()


class NamePeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Outside hosts by DNS name, exact or with one leading `*.` for one label; only Cilium can say it (R11)."""

    pattern: str


class EntityPeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Hosts that Cilium knows by what they are, whatever their addresses (R17).

    https://docs.cilium.io/en/stable/security/policy/language/#entities-based
    """

    entity: Literal["kube-apiserver", "host", "remote-node"]


class LookupPeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """A resolver that may be asked for these names and no others; `*` stands for any part without dots (R6)."""

    resolver: PodPeer | AddressPeer
    names: tuple[str, ...]


class AnyPeer(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """Any source or destination at all: written as a rule with no `from` or `to`."""


Peer = PodPeer | AddressPeer | NamePeer | EntityPeer | LookupPeer | AnyPeer
ANY_PEER = AnyPeer()


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The entry of a graph that a flow comes from.

    `path` is a JSON path into the resource; `text` names the entry by its keys (`search calls database [5432]`),
    so that it does not depend on the order of lists.
    """

    graph: GraphKey
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.graph}: {self.text}"


class Flow(msgspec.Struct, frozen=True, gc=False):
    """One half of what an entry allows, at one subject: a direction, a peer, and the pod ports.

    `ports` is None for every port: only the explicit allow-all of R13 and R18 has that.
    """

    direction: Direction
    peer: Peer
    ports: tuple[PortRange, ...] | None
    origin: Origin


class Rule(msgspec.Struct, frozen=True, gc=False):
    """Peers that share ports. `origins` are the entries behind it, sorted by text."""

    peers: tuple[Peer, ...]
    ports: tuple[PortRange, ...] | None
    origins: tuple[Origin, ...]


class PolicyKind(StrEnum):
    """What a policy is for: a service's calls, the default deny of a namespace, or an exemption from that (R18)."""

    SERVICE = "service"
    DEFAULT_DENY = "default-deny"
    EXEMPTION = "exemption"


class Policy(msgspec.Struct, frozen=True):
    """All that one selector term of a service may do, in the directions it isolates (R1).

    `service` is None and `subject` empty for the default deny of a namespace (R18). `part` and `parts` count
    the objects it is spread over (R13). `listening` is how its pods are reached, `drained` how those
    were that still run (R14).
    """

    namespace: str
    name: str
    kind: PolicyKind
    graph: GraphKey
    service: ServiceKey | None
    subject: Selector
    directions: tuple[Direction, ...]
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]
    engine: Engine = Engine.NETWORK_POLICY
    mode: Mode = Mode.ENFORCE
    draining: bool = False
    part: int = 0
    parts: int = 1
    listening: Listening = Listening()
    drained: tuple[Listening, ...] = ()


class Declared(msgspec.Struct, frozen=True):
    """What the graphs say for one subject: the truth that policies are held against.

    An isolated direction allows the flows of that direction and nothing else. `service` is None, and `subject`
    everything, for the default deny of a namespace (R18); `path` is the place in the graph that says it.
    """

    namespace: str
    subject: Selector = EVERYTHING
    service: ServiceKey | None = None
    isolated: tuple[Direction, ...] = ()
    flows: tuple[Flow, ...] = ()
    draining: bool = False
    graph: GraphKey | None = None
    path: str = ""
    mode: Mode = Mode.ENFORCE
