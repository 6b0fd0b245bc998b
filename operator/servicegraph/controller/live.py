"""NetworkPolicies as the cluster holds them: what the operator keeps of each, and whose it is (R15)."""

import re
from collections.abc import Collection
from enum import StrEnum

import msgspec

from servicegraph.compiler.emit import kubernetes
from servicegraph.compiler.emit.names import (
    DEFAULT_DENY,
    DRAINING_ANNOTATION,
    GRAPH_LABEL,
    HASH_ANNOTATION,
    LISTENING_ANNOTATION,
    MANAGED_BY_LABEL,
    RENDERED_BY,
    SERVICE_LABEL,
    exemption_name,
    policy_name,
    rendered_name,
)
from servicegraph.model.cluster import Listening
from servicegraph.model.policy import Direction, Engine
from servicegraph.model.refs import ServiceKey
from servicegraph.model.resource import API_VERSION, GROUP, KIND
from servicegraph.model.selectors import Selector
from servicegraph.verify import policies as verify

SINCE_ANNOTATION = "servicegraph.dev/draining-since"
LABELS = frozenset({GRAPH_LABEL, SERVICE_LABEL, MANAGED_BY_LABEL})
ANNOTATIONS = frozenset({HASH_ANNOTATION, LISTENING_ANNOTATION, DRAINING_ANNOTATION, SINCE_ANNOTATION})

PolicyKey = tuple[str, str]
_NAME = re.compile(
    r"sg-(?P<service>.+)-[0-9a-f]{10}(?:-(?P<part>\d+)of(?P<parts>\d+)|-(?P<open>open))?(?P<cilium>-cilium)?\Z"
)
_LISTENINGS = msgspec.json.Decoder(tuple[Listening, ...])
_LISTENING = msgspec.json.Decoder(Listening)


class Owner(msgspec.Struct, frozen=True, rename="camel", order=True):
    """metav1.OwnerReference, as far as we read and write it: blockOwnerDeletion stays unset."""

    api_version: str
    kind: str
    name: str
    uid: str


class LivePolicy(msgspec.Struct, frozen=True):
    """A policy in the cluster. `spec` is the digest of its canonical spec, `subject` what it selects.

    `labels` and `annotations` are those that the operator writes. An `alien` policy does not look like ours: `rules` is
    what it means, None where that is not known, and where its name is not ours nothing else is kept.
    """

    namespace: str
    name: str
    uid: str
    version: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    owners: tuple[Owner, ...] = ()
    spec: str = ""
    subject: Selector | None = None
    directions: tuple[Direction, ...] = ()
    created: str = ""
    deleting: bool = False
    alien: bool = False
    rules: verify.NetworkPolicy | None = None

    @property
    def service(self) -> ServiceKey | None:
        """The service that its name speaks of."""
        name = service_of(self.name)
        return ServiceKey(self.namespace, name) if name else None

    @property
    def engine(self) -> Engine:
        """The engine that it is for, and so its kind."""
        return engine_of(self.name)

    @property
    def exempts(self) -> bool:
        """Whether it is by name an exemption from the default deny (R18)."""
        return managed(self.name) and self.name.endswith("-open")

    @property
    def genuine(self) -> bool:
        """Whether its name is that of its own service and subject: nobody moved the one under the other."""
        match = _NAME.match(self.name)
        if match is None or self.subject is None:
            return False
        if match["open"]:
            return exemption_name(match["service"], self.subject) == self.name
        part, parts = int(match["part"] or 0), int(match["parts"] or 1)
        return policy_name(match["service"], self.subject, part, parts, self.engine) == self.name

    @property
    def listenings(self) -> tuple[Listening, ...]:
        """How its pods were reached when it was written, and before that while ports drain (R14).

        What cannot be read counts as not there: annotations are open to everyone who may edit the policy.
        """
        try:
            now = _LISTENING.decode(self.annotations.get(LISTENING_ANNOTATION, "{}"))
            return (now, *_LISTENINGS.decode(self.annotations.get(DRAINING_ANNOTATION, "[]")))
        except msgspec.DecodeError:
            return (Listening(),)


class Standing(StrEnum):
    """Whose a policy is."""

    OURS = "ours"
    TAKEN = "taken"
    RENDERED = "rendered"
    FOREIGN = "foreign"


def service_of(name: str) -> str | None:
    """The service whose policy has this name, None for the default deny and for names that are not ours."""
    match = _NAME.match(name)
    return match["service"] if match else None


def engine_of(name: str) -> Engine:
    """The engine that a policy of this name is for: the names that are ours, and of copies, tell the kind."""
    match = _NAME.match(name.removeprefix(rendered_name("")))
    return Engine.CILIUM if match and match["cilium"] else Engine.NETWORK_POLICY


def managed(name: str) -> bool:
    """Whether it is a name that the operator gives."""
    return name == DEFAULT_DENY or _NAME.match(name) is not None


def standing(policy: LivePolicy, graphs: Collection[str]) -> Standing:
    """Whose a policy is; `graphs` are the UIDs of the graphs in its namespace (R15)."""
    if managed(policy.name):
        owned = any(owner.uid in graphs for owner in policy.owners)
        return Standing.OURS if owned or HASH_ANNOTATION in policy.annotations else Standing.TAKEN
    rendered = policy.labels.get(MANAGED_BY_LABEL) == RENDERED_BY
    return Standing.RENDERED if rendered else Standing.FOREIGN


def graph_owner(name: str, uid: str) -> Owner:
    """The reference of a policy to its graph."""
    return Owner(API_VERSION, KIND, name, uid)


def deny_owner(uid: str) -> Owner:
    """The reference of a policy to its namespace's default deny."""
    return Owner(kubernetes.API_VERSION, kubernetes.KIND, DEFAULT_DENY, uid)


def is_graph(owner: Owner) -> bool:
    """Whether a reference is to a ServiceGraph of any version."""
    return owner.kind == KIND and owner.api_version.startswith(f"{GROUP}/")
