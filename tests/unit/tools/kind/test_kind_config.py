"""Names, versions and addresses that several files of the kind cluster must agree on."""

import re
from ipaddress import ip_network
from typing import Any

import pytest
import yaml

from tools.cluster.build import KUBERNETES_VERSION
from tools.cluster.gobuild import MODULES
from tools.cluster.kind import cluster, control_plane_images, workloads
from tools.cluster.kind.programs import CILIUM_VERSION
from tools.cluster.kind.supply import CONFIG, PULLED_NODE


def load(name: str) -> Any:
    return yaml.safe_load((CONFIG / name).read_text())


def required(module: str, package: str) -> str:
    found = re.search(rf"{re.escape(package)} (v[\d.]+)", (MODULES / module / "go.mod").read_text())
    assert found
    return found[1]


def test_cilium_routes_the_range_that_pods_have() -> None:
    assert load("cilium-values.yaml")["ipv4NativeRoutingCIDR"] == load("cluster.yaml")["networking"]["podSubnet"]


def test_cilium_finds_the_api_server_by_the_name_that_kind_gives() -> None:
    assert load("cilium-values.yaml")["k8sServiceHost"] == f"{cluster.NAME}-control-plane"


def test_load_balancers_have_addresses_of_the_nodes_network_that_no_container_gets() -> None:
    pool = next(yaml.safe_load_all((CONFIG / "load-balancer.yaml").read_text()))
    blocks = [ip_network(block["cidr"]) for block in pool["spec"]["blocks"]]
    assert blocks
    for block in blocks:
        assert block.subnet_of(ip_network(cluster.SUBNET))  # type: ignore[arg-type]
        assert not block.overlaps(ip_network(cluster.CONTAINERS))


@pytest.mark.parametrize("network", ["podSubnet", "serviceSubnet"])
def test_outside_hosts_are_outside_of_the_cluster(network: str) -> None:
    assert not ip_network(cluster.SUBNET).overlaps(ip_network(load("cluster.yaml")["networking"][network]))


def test_traffic_crosses_nodes() -> None:
    assert [node["role"] for node in load("cluster.yaml")["nodes"]] == ["control-plane", "worker", "worker"]


def test_the_operator_that_is_installed_is_the_image_that_is_loaded() -> None:
    (image,) = load("operator/kustomization.yaml")["images"]
    assert f"{image['name']}:{image['newTag']}" == workloads.OPERATOR


def test_the_names_of_images_tell_the_versions_that_are_built() -> None:
    assert f"v{CILIUM_VERSION}" == required("cilium", "github.com/cilium/cilium")
    assert control_plane_images.TAGS["coredns"].endswith(f":{required('kubernetes', 'github.com/coredns/coredns')}")


def test_the_node_that_is_pulled_has_the_same_minor_version_of_kubernetes() -> None:
    found = re.match(r"kindest/node:(v\d+\.\d+)\.\d+@sha256:[0-9a-f]{64}$", PULLED_NODE)
    assert found
    assert found[1] == KUBERNETES_VERSION.rpartition(".")[0]
