"""A NetworkPolicy manifest by its shape: field names and types, no meaning."""

from typing import Literal

import msgspec

from servicegraph.model.ports import Protocol


class _Wire(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    pass


class Requirement(_Wire, frozen=True, gc=False):
    """metav1.LabelSelectorRequirement."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] | None = None


class LabelSelector(_Wire, frozen=True, gc=False):
    """metav1.LabelSelector."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Requirement, ...] | None = None


class IPBlock(_Wire, frozen=True, gc=False):
    """Addresses."""

    cidr: str
    except_: tuple[str, ...] | None = msgspec.field(default=None, name="except")


class Peer(_Wire, frozen=True, gc=False):
    """NetworkPolicyPeer."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class Port(_Wire, frozen=True, gc=False):
    """NetworkPolicyPort."""

    protocol: Protocol | None = None
    port: int | str | None = None
    end_port: int | None = None


class IngressRule(_Wire, frozen=True, gc=False):
    """NetworkPolicyIngressRule."""

    ports: tuple[Port | None, ...] | None = None
    peers: tuple[Peer | None, ...] | None = msgspec.field(default=None, name="from")


class EgressRule(_Wire, frozen=True, gc=False):
    """NetworkPolicyEgressRule."""

    ports: tuple[Port | None, ...] | None = None
    peers: tuple[Peer | None, ...] | None = msgspec.field(default=None, name="to")


class Spec(_Wire, frozen=True, gc=False):
    """NetworkPolicySpec."""

    pod_selector: LabelSelector | None = None
    policy_types: tuple[Literal["Ingress", "Egress"], ...] | None = None
    ingress: tuple[IngressRule | None, ...] | None = None
    egress: tuple[EgressRule | None, ...] | None = None


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """Of an object's metadata, what it is called."""

    name: str | None = None
    namespace: str | None = None


class Manifest(msgspec.Struct, frozen=True, gc=False):
    """The whole object."""

    api_version: str | None = msgspec.field(default=None, name="apiVersion")
    kind: str | None = None
    metadata: Metadata = Metadata()
    spec: Spec | None = None
