"""Does anything enforce policies here?"""

import pytest

from servicegraph.adopt.enforcement import enforcement
from servicegraph.model.refs import WorkloadKey


def daemon_set(name: str, namespace: str = "kube-system") -> WorkloadKey:
    return WorkloadKey(namespace, "apps", "DaemonSet", name)


@pytest.mark.parametrize(
    "name", ["calico-node", "cilium", "antrea-agent", "kube-router", "ovnkube-node", "anetd", "canal"]
)
def test_known_agents_leave_no_doubt(name: str) -> None:
    found = enforcement([daemon_set("kube-proxy"), daemon_set(name, "somewhere")])
    assert found.agents == (f"DaemonSet somewhere/{name}",)
    assert found.doubt is None


@pytest.mark.parametrize(("name", "condition"), [("kindnet", "kind 0.24"), ("aws-node", "enableNetworkPolicy")])
def test_agents_that_may_or_may_not_are_named_with_the_condition(name: str, condition: str) -> None:
    found = enforcement([daemon_set(name)])
    assert found.agents == (f"DaemonSet kube-system/{name}",)
    assert found.doubt is not None and condition in found.doubt


def test_one_that_surely_does_settles_it() -> None:
    found = enforcement([daemon_set("aws-node"), daemon_set("calico-node", "calico-system")])
    assert found.agents == ("DaemonSet calico-system/calico-node",)
    assert found.doubt is None


def test_nothing_known_is_a_warning() -> None:
    found = enforcement([daemon_set("kube-proxy")])
    assert found.agents == ()
    assert found.doubt is not None and "may have no effect" in found.doubt


def test_flannel_alone_does_not() -> None:
    found = enforcement([daemon_set("kube-flannel-ds", "kube-flannel")])
    assert found.doubt is not None and "kube-flannel-ds does not enforce" in found.doubt


def test_a_deployment_of_that_name_is_no_agent() -> None:
    assert enforcement([WorkloadKey("shop", "apps", "Deployment", "cilium")]).agents == ()
