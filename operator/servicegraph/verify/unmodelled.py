"""Kinds of policies that are not modelled here: where one can select a pod, nobody knows what that pod may do.

Staged, tier and address-group kinds decide nothing by themselves and are left out.
"""

import msgspec


class PolicyKind(msgspec.Struct, frozen=True, order=True):
    """A kind of policy of somebody else. `namespaced` ones select pods of their own namespace alone."""

    group: str
    kind: str
    plural: str
    namespaced: bool = True

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}"


KINDS = (
    PolicyKind("cilium.io", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
    PolicyKind("cilium.io", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", namespaced=False),
    PolicyKind("policy.networking.k8s.io", "AdminNetworkPolicy", "adminnetworkpolicies", namespaced=False),
    PolicyKind(
        "policy.networking.k8s.io", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies", namespaced=False
    ),
    PolicyKind("policy.networking.k8s.io", "ClusterNetworkPolicy", "clusternetworkpolicies", namespaced=False),
    PolicyKind("crd.projectcalico.org", "NetworkPolicy", "networkpolicies"),
    PolicyKind("crd.projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", namespaced=False),
    PolicyKind("projectcalico.org", "NetworkPolicy", "networkpolicies"),
    PolicyKind("projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies", namespaced=False),
    PolicyKind("crd.antrea.io", "NetworkPolicy", "networkpolicies"),
    PolicyKind("crd.antrea.io", "ClusterNetworkPolicy", "clusternetworkpolicies", namespaced=False),
    PolicyKind("k8s.ovn.org", "EgressFirewall", "egressfirewalls"),
    PolicyKind("networking.gke.io", "FQDNNetworkPolicy", "fqdnnetworkpolicies"),
    PolicyKind("networking.k8s.aws", "ApplicationNetworkPolicy", "applicationnetworkpolicies"),
    PolicyKind("networking.k8s.aws", "ClusterNetworkPolicy", "clusternetworkpolicies", namespaced=False),
)
"""Those of the network plugins and of the network policy API (https://network-policy-api.sigs.k8s.io/)."""

_BY_NAME = {(kind.group, kind.kind): kind for kind in KINDS}


def unmodelled(api_version: object, kind: object) -> PolicyKind | None:
    """The kind of an object by its `apiVersion` and `kind`, if it is one of these."""
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    return _BY_NAME.get((api_version.rpartition("/")[0], kind))
