"""The ServiceGraph resource exactly as it is written: the Python twin of crds/.

Decoding is strict (unknown fields and wrong types are refused); what one object cannot tell by its shape is
checked by compiler/parse. docs/spec.md explains every field.
"""

from typing import Literal

import msgspec

from servicegraph.model.policy import Direction, Mode
from servicegraph.model.ports import Protocol

GROUP = "servicegraph.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ServiceGraph"
PLURAL = "servicegraphs"


class _Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    pass


class LabelSelectorRequirement(_Wire, frozen=True):
    """One of `matchExpressions`."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class LabelSelector(_Wire, frozen=True):
    """metav1.LabelSelector."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class PodsSpec(_Wire, frozen=True):
    """Pods by label: `namespace` with `labels`, or the two selectors."""

    namespace: str | None = None
    labels: dict[str, str] | None = None
    namespace_selector: LabelSelector | None = None
    pod_selector: LabelSelector | None = None


class CallSpec(_Wire, frozen=True):
    """An entry of `calls`: one party, ports, a reason."""

    service: str | None = None
    namespace: str | None = None
    pods: PodsSpec | None = None
    fqdn: str | None = None
    cidr: str | None = None
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")
    internet: Literal[True] | None = None
    nodes: Literal[True] | None = None
    kube_api_server: Literal[True] | None = msgspec.field(default=None, name="kubeAPIServer")
    party: str | None = None
    ports: tuple[int | str, ...] | None = None
    reason: str | None = None


class AcceptSpec(_Wire, frozen=True):
    """An entry of `accepts`: one party, ports, a reason."""

    service: str | None = None
    namespace: str | None = None
    pods: PodsSpec | None = None
    cidr: str | None = None
    except_: tuple[str, ...] = msgspec.field(default=(), name="except")
    internet: Literal[True] | None = None
    nodes: Literal[True] | None = None
    kube_api_server: Literal[True] | None = msgspec.field(default=None, name="kubeAPIServer")
    party: str | None = None
    anywhere: Literal[True] | None = None
    ports: tuple[int | str, ...] | None = None
    reason: str | None = None


class WorkloadSpec(_Wire, frozen=True):
    """A workload by kind and name; `apiVersion` for kinds of others."""

    kind: str
    name: str
    api_version: str | None = None


class TermSpec(_Wire, frozen=True):
    """An entry of `selects`: one of the three."""

    service: str | None = None
    workload: WorkloadSpec | None = None
    labels: dict[str, str] | None = None


class ListenSpec(_Wire, frozen=True):
    """A port that the service's pods listen on."""

    port: int
    name: str | None = None
    protocol: Protocol = "TCP"


class ServiceSpec(_Wire, frozen=True):
    """An entry of `services`."""

    name: str
    mode: Mode | None = None
    directions: tuple[Direction, ...] | None = None
    dns: Literal["WhenCalling", "Always", "Never"] | None = None
    selects: tuple[TermSpec, ...] = ()
    ports: tuple[int | ListenSpec, ...] = ()
    calls: tuple[CallSpec, ...] = ()
    accepts: tuple[AcceptSpec, ...] = ()


class DefaultsSpec(_Wire, frozen=True):
    """What is added to every service."""

    accepts: tuple[AcceptSpec, ...] = ()


class TrustSpec(_Wire, frozen=True):
    """A policy of somebody else whose extra flows are accepted."""

    policy: str


class IgnoreSpec(_Wire, frozen=True):
    """A finding that is not to be reported again."""

    code: str
    service: str | None = None
    reason: str | None = None


class GraphSpec(_Wire, frozen=True):
    """`spec`."""

    mode: Mode = Mode.ENFORCE
    directions: tuple[Direction, ...] | None = None
    isolation: Literal["Members", "Namespace"] = "Members"
    dns: Literal["WhenCalling", "Always", "Never"] = "WhenCalling"
    engine: Literal["Auto", "NetworkPolicy", "Cilium"] = "Auto"
    defaults: DefaultsSpec | None = None
    trusts: tuple[TrustSpec, ...] = ()
    ignores: tuple[IgnoreSpec, ...] = ()
    services: tuple[ServiceSpec, ...] = ()
