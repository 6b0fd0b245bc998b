"""Every party of the vocabulary, in every direction that it has."""

from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.conftest import MakeStage
from tests.e2e.install import profiled
from tests.e2e.outside import Host, node_address
from tests.e2e.parties import SCENARIOS
from tests.e2e.pods import Role
from tests.e2e.scenarios import Scenario, scenarios
from tests.e2e.stage import Stage
from tests.integration.kube import Kube
from tests.integration.look import edges, problems
from tests.waiting import eventually


@pytest.fixture(scope="module")
def stage(make_stage: MakeStage) -> Stage:
    callee = Role(name="callee", udp={"talk": 5353})
    own = [Role(name="caller"), callee, Role(name="bystander"), Role(name="plain")]
    agent = Role(name="agent", namespace="ops", labels={"tier": "web"})
    stage = make_stage([*own, agent, Role(name="other", namespace="ops")], {"ops": {"team": "platform"}})
    stage.expect_all_open()
    return stage


either = pytest.mark.parametrize("engine", ["Auto", "NetworkPolicy"])
"""Where the engines differ: by its entities, which Auto takes where there is Cilium, and by addresses."""


@scenarios(SCENARIOS)
def test_party(stage: Stage, scenario: Scenario) -> None:
    stage.play(scenario.graph, *scenario.allowed)


@either
def test_the_api_server(stage: Stage, engine: str) -> None:
    stage.play(
        {"engine": engine, "services": [{"name": "caller", "calls": [{"kubeAPIServer": True}]}, {"name": "bystander"}]},
        "caller > apiserver",
        "caller > dns",
    )


@either
def test_nodes(stage: Stage, engine: str) -> None:
    """The other nodes, and pods in their network: no policy can tell those apart."""
    listening = sorted(port for t in stage.ends().targets for role, port in t.arrivals if role == "node")
    stage.play(
        {
            "engine": engine,
            "services": [
                {"name": "caller", "calls": [{"nodes": True, "ports": [listening[0]]}]},
                {"name": "callee", "accepts": [{"nodes": True, "ports": ["http"]}]},
            ],
        },
        f"caller > node, control-plane: {listening[0]}",
        "node, control-plane > callee: 8080",
        "caller > dns",
    )


@pytest.mark.outside
def test_addresses(stage: Stage, hosts: Mapping[str, Host]) -> None:
    outside, network = hosts["outside"].address, f"{hosts['outside'].address}/32"
    _endpoints(stage, "legacy", outside)
    stage.play(
        {
            "services": [
                {"name": "caller", "calls": [{"cidr": network, "ports": [8080]}]},
                {"name": "callee", "accepts": [{"cidr": network, "ports": ["http"]}]},
                {"name": "bystander", "calls": [{"service": "legacy"}]},
            ]
        },
        "caller > outside: 8080",
        "outside > callee: 8080",
        "bystander > outside: 9090",
        "caller, bystander > dns",
    )


@pytest.mark.outside
def test_the_internet(stage: Stage) -> None:
    """Every address outside, and neither pods nor nodes nor the API server."""
    stage.play(
        """
        services:
          - {name: caller, calls: [{internet: true, ports: [8080, 9090/UDP]}]}
          - {name: callee, accepts: [{internet: true, ports: [metrics]}]}
        """,
        "caller > outside, excepted: 8080, 9090/UDP",
        "outside, excepted > callee: 9090",
        "caller > dns",
    )


@pytest.mark.outside
def test_names_open_nothing_where_no_policy_can_say_them(stage: Stage) -> None:
    """A name outside and an ExternalName are Unsupported, which is said; the packets stay denied."""
    external = {"type": "ExternalName", "externalName": "outside.example.test"}
    meta = {"name": "elsewhere", "namespace": stage.namespaces[""]}
    stage.kube.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": external})
    stage.play(
        """
        engine: NetworkPolicy
        services:
          - {name: caller, calls: [{fqdn: outside.example.test, ports: [8080]}, {service: elsewhere}]}
          - {name: callee}
        """,
        "caller > dns",
    )
    namespace = stage.namespaces[""]
    eventually(lambda: edges(stage.kube, namespace, "graph").get("unsupported") == 2, "both edges are Unsupported")
    assert {"UnsupportedFQDN", "ExternalService"} <= problems(stage.kube, namespace, "graph").keys()


@pytest.fixture
def profile(kube: Kube, hosts: Mapping[str, Host]) -> Iterator[None]:
    """A profile that names parties, and says where the API server calls webhooks from."""
    nodes = kube.list("Node", "")
    servers = [n for n in nodes if "node-role.kubernetes.io/control-plane" in n["metadata"]["labels"]]
    agents = {
        "namespaceSelector": {"matchLabels": {"team": "platform"}},
        "podSelector": {"matchLabels": {"tier": "web"}},
    }
    changes = {
        "apiServer": {"webhookSources": [f"{node_address(node)}/32" for node in servers]},
        "parties": [
            {"name": "agents", "pods": agents},
            {"name": "partner", "cidr": f"{hosts['outside'].address}/32"},
        ],
    }
    with profiled(kube, changes):
        yield


@pytest.mark.outside
@pytest.mark.profile
@pytest.mark.usefixtures("profile")
@either
def test_what_the_profile_tells(stage: Stage, engine: str) -> None:
    """Named parties, and the API server as a caller."""
    stage.play(
        f"""
        engine: {engine}
        services:
          - {{name: caller, calls: [{{party: agents, ports: [8080]}}, {{party: partner, ports: [9090]}}]}}
          - {{name: callee, accepts: [{{party: agents, ports: [metrics]}}, {{party: partner, ports: [talk]}}]}}
          - {{name: bystander, accepts: [{{kubeAPIServer: true, ports: [http]}}]}}
        """,
        "caller > ops/agent: 8080",
        "caller > outside: 9090",
        "ops/agent > callee: 9090",
        "outside > callee: 5353/UDP",
        "control-plane > bystander: 8080",
        "caller > dns",
    )


def _endpoints(stage: Stage, service: str, address: str) -> None:
    """A Service without a selector, whose one endpoint is an address that we write ourselves."""
    meta = {"name": service, "namespace": stage.namespaces[""]}
    port = {"name": "db", "port": 5432, "targetPort": 9090}
    stage.kube.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [port]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**meta, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "db", "port": 9090}],
        },
    )
