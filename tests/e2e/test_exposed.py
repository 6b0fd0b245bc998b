"""Services that the world outside can call: by NodePort and by load balancer."""

from collections.abc import Mapping

import pytest

from tests.e2e import outside
from tests.e2e.conftest import MakeStage
from tests.e2e.exposed import from_outside, load_balancer, node_ports
from tests.e2e.outside import Host, node_address
from tests.e2e.pods import Role
from tests.e2e.stage import Stage

pytestmark = pytest.mark.outside

GRAPH = """
services:
  - {name: shown, accepts: [{anywhere: true, ports: [http]}]}
  - {name: hidden}
  - {name: balanced, accepts: [{anywhere: true, ports: [http]}]}
  - {name: withdrawn}
"""


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    by_port = [Role(name=name, replicas=1, service={"type": "NodePort"}) for name in ("shown", "hidden")]
    balanced = [Role(name=name, replicas=1, service={"type": "LoadBalancer"}) for name in ("balanced", "withdrawn")]
    return make_stage([*by_port, *balanced])


def test_exposed_is_not_open(stage: Stage, hosts: Mapping[str, Host]) -> None:
    """A NodePort or a load balancer makes a Service known outside; its graph says whether anybody may call."""
    kube, namespace = stage.kube, stage.namespaces[""]
    targets = [target for name in ("shown", "hidden") for target in node_ports(kube, namespace, name)]
    for name in ("balanced", "withdrawn"):
        address, target = load_balancer(kube, namespace, name)
        for host in hosts.values():
            outside.route(host, (f"{address}/32", node_address(kube.list("Node", "")[-1])))
        targets.append(target)
    ends = from_outside(hosts, targets)
    stage.expect("* > *", ends=ends)
    stage.apply(GRAPH)
    stage.expect("* > shown, balanced: 8080", ends=ends)
