"""The ClusterProfile: what the author of a graph need not know about the cluster.

A versioned YAML file, the same for `render` and the operator. What is not written is detected live or stays
unknown, and gives a problem where it is needed: never a guess. docs/cluster-profile.md explains every field.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from servicegraph.model.addresses import canonical, contains, network
from servicegraph.model.ports import parse_port
from servicegraph.model.resource import PodsSpec


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    pass


class DNSService(_Wire, frozen=True):
    """The Service that resolves names.

    `labels` and `ports` describe its pods where the Service itself is not in the input (render without the
    cluster's own manifests); what the input says wins.
    """

    namespace: str
    name: str
    labels: dict[str, str] = {}
    ports: tuple[int | str, ...] = ()


class DNS(_Wire, frozen=True):
    """Where names are resolved: a Service, and addresses such as NodeLocal DNSCache's.

    `clusterDomain` is the zone of the cluster's own names; `searchDomains` are those that pods search beyond it.
    """

    service: DNSService | None = None
    addresses: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    search_domains: tuple[str, ...] = ()


class APIServer(_Wire, frozen=True):
    """Where the API server is reached, and from where it calls webhooks."""

    addresses: tuple[str, ...] = ()
    port: int | None = None
    webhook_sources: tuple[str, ...] = ()


class Ranges(_Wire, frozen=True):
    """CIDRs of the cluster's own addresses."""

    pods: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


Plugin = Literal[
    "AmazonVPC", "Antrea", "Calico", "Cilium", "Flannel", "GKEDataplaneV2", "Kindnet", "KubeRouter", "OVNKubernetes"
]
Mesh = Literal["Istio", "IstioAmbient", "Linkerd"]


class Engine(_Wire, frozen=True):
    """What policies are written as, and the plugin that enforces them. `policyMapSize` is in entries per pod."""

    name: Literal["Auto", "NetworkPolicy", "Cilium"] = "Auto"
    plugin: Plugin | None = None
    ignores_labels: tuple[str, ...] = ()
    policy_map_size: int = 16_384

    @property
    def enforcer(self) -> Plugin | None:
        """The network plugin, where anybody says which: writing Cilium's own policies says it."""
        return self.plugin or ("Cilium" if self.name == "Cilium" else None)


class ProfileParty(_Wire, frozen=True):
    """A party named once per cluster: pods, or addresses."""

    name: str
    pods: PodsSpec | None = None
    cidr: str | None = None
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")


PARTY_KINDS = ("service", "pods", "cidr", "fqdn", "internet", "nodes", "kubeAPIServer", "party", "anywhere")
"""The fields that name a party in a graph."""


class Limits(_Wire, frozen=True):
    """What tenants may not do (R20). `forbiddenParties` are party kinds (`internet`, `cidr`) or named parties."""

    forbidden_parties: tuple[str, ...] = ()
    denied_cidrs: tuple[str, ...] = msgspec.field(default=("169.254.0.0/16", "fd00:ec2::254/128"), name="deniedCIDRs")
    edges_per_namespace: int | None = None
    graphs_per_namespace: int | None = None


class ClusterProfile(_Wire, frozen=True):
    """The whole profile."""

    api_version: Literal["servicegraph.dev/v1alpha1"] = "servicegraph.dev/v1alpha1"
    kind: Literal["ClusterProfile"] = "ClusterProfile"
    dns: DNS = DNS()
    api_server: APIServer = APIServer()
    ranges: Ranges = Ranges()
    engine: Engine = Engine()
    mesh: Mesh | None = None
    parties: tuple[ProfileParty, ...] = ()
    limits: Limits = Limits()


STANDARD = ClusterProfile(
    dns=DNS(
        service=DNSService(
            namespace="kube-system",
            name="kube-dns",
            labels={"k8s-app": "kube-dns"},
            ports=("53/UDP", "53/TCP"),
        )
    )
)
"""Clusters made by kubeadm, kind, GKE, AKS and EKS: what `render` assumes, and says so, without a profile."""


def check(profile: ClusterProfile) -> ClusterProfile:
    """The profile itself, when what it says makes sense. Raises ValueError with the field and what to write instead."""
    ranges, server, dns = profile.ranges, profile.api_server, profile.dns
    readers: tuple[tuple[str, Callable[[Any], object], Iterable[Any]], ...] = (
        ("ranges.pods", network, ranges.pods),
        ("ranges.services", network, ranges.services),
        ("ranges.nodes", network, ranges.nodes),
        ("apiServer.webhookSources", network, server.webhook_sources),
        ("apiServer.addresses", canonical, server.addresses),
        ("apiServer.port", parse_port, () if server.port is None else (server.port,)),
        ("dns.addresses", canonical, dns.addresses),
        ("dns.service.ports", parse_port, dns.service.ports if dns.service else ()),
        ("limits.deniedCIDRs", network, profile.limits.denied_cidrs),
        ("parties", _check_party, profile.parties),
    )
    for field, read, values in readers:
        for value in values:
            try:
                read(value)
            except ValueError as error:
                raise ValueError(f"{field}: {error}") from None
    known = (*PARTY_KINDS, *(party.name for party in profile.parties))
    unknown = next((name for name in profile.limits.forbidden_parties if name not in known), None)
    if unknown is not None:
        raise ValueError(f"limits.forbiddenParties: there is no party {unknown!r}: write one of {', '.join(known)}")
    return profile


def _check_party(party: ProfileParty) -> None:
    if (party.pods is None) == (party.cidr is None):
        raise ValueError(f"{party.name!r} needs exactly one of pods and cidr")
    if party.cidr is not None:
        network(party.cidr)
    for inner in party.except_:
        if party.cidr is None or not contains(party.cidr, inner):
            raise ValueError(f"{party.name!r}: the exception {inner} is outside {party.cidr}")
