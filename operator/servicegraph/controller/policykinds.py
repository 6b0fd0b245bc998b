"""The kinds of policies that are written, as they come over the wire, and what is kept of each object."""

from collections.abc import Mapping
from typing import Any

import msgspec

from servicegraph.compiler.emit import cilium, kubernetes
from servicegraph.compiler.emit.names import HASH_ANNOTATION, digest
from servicegraph.controller.live import ANNOTATIONS, LABELS, LivePolicy, Owner, PolicyKey, engine_of, managed
from servicegraph.model.policy import Direction, Engine
from servicegraph.model.selectors import Selector, from_label_selector
from servicegraph.sources.resources import Resource
from servicegraph.sources.wire import LabelledMetadata
from servicegraph.verify.networkpolicies import of_spec
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.written import PolicyError


class Metadata(LabelledMetadata, frozen=True):
    """ObjectMeta of a policy."""

    uid: str = ""
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    owner_references: tuple[Owner, ...] = ()
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None


class WirePolicy(msgspec.Struct, frozen=True):
    """A policy of either kind on the wire. `specs` only Cilium has: more policies in the same object."""

    metadata: Metadata
    spec: dict[str, Any] = {}
    specs: list[Any] | None = None


def spec_digest(spec: Mapping[str, Any]) -> str:
    """The digest of a NetworkPolicy's whole spec, as the hash annotation has it of the spec we want.

    The API server leaves out `ingress` and `egress` when they are empty: missing reads as `[]`.
    """
    return digest({"podSelector": {}, "ingress": [], "egress": [], **spec}, 32)


def _network_policy(key: PolicyKey, found: WirePolicy) -> LivePolicy | None:
    metadata, ours = found.metadata, managed(key[1])
    alien = not ours or HASH_ANNOTATION not in metadata.annotations
    rules = _rules(key, found.spec) if alien else None
    if not ours:
        labels = _ours(metadata.labels, LABELS)
        return LivePolicy(*key, metadata.uid, metadata.resource_version, labels, alien=alien, rules=rules)
    types = found.spec.get("policyTypes") or ()
    directions = tuple(d for d in Direction if d.value in types)
    kept = _live(key, found, spec_digest(found.spec), _selector(found.spec.get("podSelector")), directions)
    return msgspec.structs.replace(kept, alien=alien, rules=rules)


def _rules(key: PolicyKey, spec: Mapping[str, Any]) -> NetworkPolicy | None:
    try:
        return of_spec(*key, spec)
    except PolicyError:
        return None


def _cilium_policy(key: PolicyKey, found: WirePolicy) -> LivePolicy | None:
    """None for one that is by its name neither ours nor a copy. What it means is not read here."""
    metadata = found.metadata
    if engine_of(metadata.name) is not Engine.CILIUM:
        return None
    if not managed(metadata.name):
        return LivePolicy(*key, metadata.uid, metadata.resource_version, _ours(metadata.labels, LABELS), alien=True)
    directions = tuple(d for d in Direction if d.value.lower() in found.spec)
    subject = _selector(found.spec.get("endpointSelector"))
    whole = {**found.spec, "specs": found.specs} if found.specs else found.spec
    kept = _live(key, found, digest(whole, 32), subject and cilium.without_prefix(subject), directions)
    return msgspec.structs.replace(kept, alien=HASH_ANNOTATION not in metadata.annotations)


def _live(
    key: PolicyKey, found: WirePolicy, spec: str, subject: Selector | None, directions: tuple[Direction, ...]
) -> LivePolicy:
    metadata = found.metadata
    return LivePolicy(
        *key,
        uid=metadata.uid,
        version=metadata.resource_version,
        labels=_ours(metadata.labels, LABELS),
        annotations=_ours(metadata.annotations, ANNOTATIONS),
        owners=tuple(sorted(metadata.owner_references)),
        spec=spec,
        subject=subject,
        directions=directions,
        created=metadata.creation_timestamp,
        deleting=metadata.deletion_timestamp is not None,
    )


def _ours(found: Mapping[str, str], keys: frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in found.items() if key in keys}


def _selector(written: Mapping[str, Any] | None) -> Selector | None:
    try:
        return from_label_selector(written)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _key(namespace: str, name: str) -> PolicyKey:
    return namespace, name


def _network_policy_key(namespace: str, name: str) -> PolicyKey:
    """A NetworkPolicy that has a name of the other kind's is somebody else's, and must not be taken for that one."""
    return namespace, f"{kubernetes.KIND}/{name}" if engine_of(name) is Engine.CILIUM else name


NETWORK_POLICIES: Resource[PolicyKey, LivePolicy] = Resource(
    "networking.k8s.io", "v1", kubernetes.KIND, "networkpolicies", WirePolicy, _network_policy_key, _network_policy
)
CILIUM_POLICIES: Resource[PolicyKey, LivePolicy] = Resource(
    "cilium.io", "v2", cilium.KIND, "ciliumnetworkpolicies", WirePolicy, _key, _cilium_policy
)
_RESOURCES = {Engine.NETWORK_POLICY: NETWORK_POLICIES, Engine.CILIUM: CILIUM_POLICIES}
_decoder = msgspec.json.Decoder(WirePolicy)


def resource_of(name: str) -> Resource[PolicyKey, LivePolicy]:
    """The kind of a policy that is ours, by its name."""
    return _RESOURCES[engine_of(name)]


def read_policy(answer: bytes) -> LivePolicy:
    """The policy that the API server answered with. Raises ValueError for one that is none of ours."""
    found = _decoder.decode(answer)
    _, policy, _ = resource_of(found.metadata.name).read(found)
    if policy is None:
        raise ValueError(f"{found.metadata.name} is not a policy that is written here")
    return policy
