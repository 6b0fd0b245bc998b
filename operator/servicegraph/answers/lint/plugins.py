"""Which network plugin a cluster runs, where its DaemonSets are known and the profile does not say."""

from collections.abc import Iterable

from servicegraph.model.profile import Plugin
from servicegraph.model.refs import WorkloadKey

_AGENTS: dict[str, Plugin] = {
    "anetd": "GKEDataplaneV2",
    "antrea-agent": "Antrea",
    "calico-node": "Calico",
    "canal": "Calico",
    "cilium": "Cilium",
    "kube-router": "KubeRouter",
    "ovnkube-node": "OVNKubernetes",
    "aws-node": "AmazonVPC",
    "kindnet": "Kindnet",
    "kube-flannel-ds": "Flannel",
}
"""DaemonSets, those first that are added to another plugin to enforce its policies."""


def running(workloads: Iterable[WorkloadKey]) -> Plugin | None:
    """The plugin that enforces policies, as far as its agent is among the workloads."""
    names = {key.name for key in workloads if key.kind == "DaemonSet" and key.group == "apps"}
    return next((plugin for name, plugin in _AGENTS.items() if name in names), None)
