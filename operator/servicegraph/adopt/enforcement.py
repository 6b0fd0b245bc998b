"""Does anything in this cluster enforce NetworkPolicies? The API server accepts them either way.

Judged by the DaemonSets of the known network plugins. What their own documentation says about policies:
Calico and Canal https://docs.tigera.io/calico/latest/about/, Cilium https://docs.cilium.io/en/stable/network/kubernetes/policy/
(GKE runs it as anetd), Antrea https://antrea.io/docs/, kube-router https://www.kube-router.io/docs/, Weave Net
https://github.com/weaveworks/weave, OVN-Kubernetes https://ovn-kubernetes.io/, Kube-OVN https://kubeovn.github.io/docs/,
Azure NPM https://learn.microsoft.com/azure/aks/use-network-policies, kube-network-policies
https://github.com/kubernetes-sigs/kube-network-policies, kindnet since kind 0.24
https://github.com/kubernetes-sigs/kind/releases/tag/v0.24.0, Amazon VPC CNI
https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy.html.
"""

from collections.abc import Iterable

import msgspec

from servicegraph.model.refs import WorkloadKey

_ALWAYS = frozenset(
    (
        "anetd",
        "antrea-agent",
        "azure-npm",
        "calico-node",
        "canal",
        "cilium",
        "kube-network-policies",
        "kube-ovn-cni",
        "kube-router",
        "ovnkube-node",
        "weave-net",
    )
)
_SOMETIMES = {
    "aws-node": "enforces policies only where the VPC CNI add-on has enableNetworkPolicy set to true",
    "kindnet": "enforces policies since kind 0.24; older clusters ignore them",
}
_NEVER = {"kube-flannel-ds": "does not enforce policies by itself"}


class Enforcement(msgspec.Struct, frozen=True):
    """`agents` are the DaemonSets that enforce policies; `doubt` says why that may not be so, None where it is so."""

    agents: tuple[str, ...]
    doubt: str | None


def enforcement(workloads: Iterable[WorkloadKey]) -> Enforcement:
    """What enforces policies, as far as the DaemonSets of the cluster tell. In any order."""
    names = {key.name: str(key) for key in sorted(workloads) if key.kind == "DaemonSet" and key.group == "apps"}
    if sure := names.keys() & _ALWAYS:
        return Enforcement(tuple(sorted(names[name] for name in sure)), None)
    for name, condition in _SOMETIMES.items():
        if name in names:
            return Enforcement((names[name],), f"{names[name]} {condition}")
    found = "".join(f"; {names[name]} {condition}" for name, condition in _NEVER.items() if name in names)
    return Enforcement(
        (),
        "No agent is known here that enforces NetworkPolicies: they may have no effect. Install a network plugin that "
        f"does, or ignore this where one is built in, as in k3s{found}",
    )
