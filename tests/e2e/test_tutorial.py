"""What a tutorial on NetworkPolicies walks through, each scenario as a graph of one service: web."""

from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from tests.e2e.conftest import MakeStage
from tests.e2e.exposed import from_outside, node_ports
from tests.e2e.outside import Host
from tests.e2e.pods import Role
from tests.e2e.scenarios import Scenario, scenarios
from tests.e2e.stage import Stage

SCENARIOS = (
    Scenario("deny all", "services: [{name: web}]", ()),
    Scenario(
        "deny ingress",
        "{directions: [Ingress], services: [{name: web}]}",
        ("web > others",),
    ),
    Scenario(
        "deny egress",
        "{directions: [Egress], services: [{name: web}]}",
        ("others > web",),
    ),
    Scenario(
        "deny egress but DNS",
        "{directions: [Egress], dns: Always, services: [{name: web}]}",
        ("others > web", "web > dns"),
    ),
    Scenario(
        "allow from one app",
        "services: [{name: web, accepts: [{service: client}]}]",
        ("client > web: 8080",),
    ),
    Scenario(
        "allow from the namespace",
        "services: [{name: web, accepts: [{pods: {labels: {}}, ports: [http]}]}]",
        ("client, monitor > web: 8080",),
    ),
    Scenario(
        "allow from every namespace",
        "services: [{name: web, accepts: [{pods: {namespaceSelector: {}, podSelector: {}}, ports: [http]}]}]",
        ("client, monitor, ops/agent, ops/monitor > web: 8080",),
    ),
    Scenario(
        "allow from one namespace",
        """
        services:
          - name: web
            accepts:
              - {pods: {namespaceSelector: {matchLabels: {purpose: production}}, podSelector: {}}, ports: [http]}
        """,
        ("ops/agent, ops/monitor > web: 8080",),
    ),
    Scenario(
        "allow from a namespace and label",
        """
        services:
          - name: web
            accepts:
              - pods:
                  namespaceSelector: {matchLabels: {purpose: production}}
                  podSelector: {matchLabels: {type: monitoring}}
                ports: [http]
        """,
        ("ops/monitor > web: 8080",),
    ),
    Scenario(
        "allow from anywhere",
        "services: [{name: web, accepts: [{anywhere: true, ports: [http]}]}]",
        ("others > web: 8080",),
    ),
    Scenario(
        "limit to a port",
        "services: [{name: web, accepts: [{pods: {labels: {app: monitor}}, ports: [metrics]}]}]",
        ("monitor > web: 9090",),
    ),
    Scenario(
        "multiple selectors",
        """
        services:
          - name: web
            accepts:
              - {pods: {labels: {app: client}}, ports: [http]}
              - {pods: {labels: {type: monitoring}}, ports: [http, metrics]}
              - {pods: {namespace: ops, labels: {app: agent}}, ports: [9090/UDP]}
        """,
        ("client > web: 8080", "monitor > web: 8080, 9090", "ops/agent > web: 9090/UDP"),
    ),
)


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    web = Role(name="web", service={"type": "NodePort", "externalTrafficPolicy": "Local"})
    monitors = [Role(name="monitor", namespace=where, labels={"type": "monitoring"}) for where in ("", "ops")]
    roles = [web, Role(name="client"), Role(name="agent", namespace="ops"), *monitors]
    stage = make_stage(roles, {"ops": {"purpose": "production"}})
    stage.expect_all_open()
    return stage


@scenarios(SCENARIOS)
def test_scenario(stage: Stage, scenario: Scenario) -> None:
    """Each is another than the one before, so that what it closes and what it opens is its own doing."""
    stage.play(scenario.graph, *scenario.allowed)


@pytest.mark.outside
def test_allow_from_the_internet_only(stage: Stage, hosts: Mapping[str, Host]) -> None:
    """A client outside comes in by its own address, directly and through a NodePort; pods and nodes do not."""
    stage.play("services: [{name: web, accepts: [{internet: true, ports: [http]}]}]", "outside, excepted > web: 8080")
    through = from_outside(hosts, node_ports(stage.kube, stage.namespaces[""], "web"))
    stage.expect("* > web: 8080", ends=through)
    stage.apply("services: [{name: web}]")
    stage.expect(ends=through)


@pytest.mark.outside
def test_egress_to_addresses_with_exceptions(stage: Stage, hosts: Mapping[str, Host]) -> None:
    network = str(ip_network(f"{hosts['outside'].address}/16", strict=False))
    block = {"cidr": network, "except": [f"{hosts['excepted'].address}/32"], "ports": [8080]}
    stage.play({"services": [{"name": "web", "calls": [block], "dns": "Never"}]}, "web > outside: 8080")
