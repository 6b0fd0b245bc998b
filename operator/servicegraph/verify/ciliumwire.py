"""A CiliumNetworkPolicy manifest by its shape, as far as it is modelled here: field names and types, no meaning.

https://docs.cilium.io/en/stable/security/policy/language/. Any other field makes the policy one that nobody here
knows the meaning of.
"""

from typing import Literal

import msgspec

from servicegraph.verify.wire import LabelSelector, Metadata


class _Wire(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    pass


class CIDR(_Wire, frozen=True, gc=False):
    """CIDRRule."""

    cidr: str
    except_: tuple[str, ...] | None = msgspec.field(default=None, name="except")


class Name(_Wire, frozen=True, gc=False):
    """FQDNSelector and PortRuleDNS: one of the two."""

    match_name: str | None = None
    match_pattern: str | None = None


class Port(_Wire, frozen=True, gc=False):
    """PortProtocol."""

    port: str
    protocol: Literal["TCP", "UDP", "SCTP", "ANY"] | None = None
    end_port: int | None = None


class L7Rules(_Wire, frozen=True, gc=False):
    """L7Rules."""

    dns: tuple[Name, ...]


class Ports(_Wire, frozen=True, gc=False):
    """PortRule."""

    ports: tuple[Port, ...]
    rules: L7Rules | None = None


class IngressRule(_Wire, frozen=True, gc=False):
    """IngressRule."""

    endpoints: tuple[LabelSelector, ...] | None = msgspec.field(default=None, name="fromEndpoints")
    entities: tuple[str, ...] | None = msgspec.field(default=None, name="fromEntities")
    cidrs: tuple[CIDR, ...] | None = msgspec.field(default=None, name="fromCIDRSet")
    names: None = None
    ports: tuple[Ports, ...] | None = msgspec.field(default=None, name="toPorts")


class EgressRule(_Wire, frozen=True, gc=False):
    """EgressRule."""

    endpoints: tuple[LabelSelector, ...] | None = msgspec.field(default=None, name="toEndpoints")
    entities: tuple[str, ...] | None = msgspec.field(default=None, name="toEntities")
    cidrs: tuple[CIDR, ...] | None = msgspec.field(default=None, name="toCIDRSet")
    names: tuple[Name, ...] | None = msgspec.field(default=None, name="toFQDNs")
    ports: tuple[Ports, ...] | None = msgspec.field(default=None, name="toPorts")


class Spec(_Wire, frozen=True, gc=False):
    """Rule. Neither `specs` nor `nodeSelector`, nor denials, nor what changes the default deny."""

    endpoint_selector: LabelSelector
    ingress: tuple[IngressRule, ...] | None = None
    egress: tuple[EgressRule, ...] | None = None


class Manifest(msgspec.Struct, frozen=True, gc=False):
    """The whole object."""

    spec: Spec
    api_version: str | None = msgspec.field(default=None, name="apiVersion")
    kind: str | None = None
    metadata: Metadata = Metadata()
    specs: None = None
