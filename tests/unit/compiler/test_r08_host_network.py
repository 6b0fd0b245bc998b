"""R8: pods on the host's network are outside every policy; as peers they are nodes, never a silent hole."""

from servicegraph.model.problems import Code, Severity
from tests.unit.compiler.cluster import World, app, graph, service, workload

SPEC = "services: [{name: web, calls: [{service: agent}]}, {name: agent, calls: [{service: web}]}]"


def test_pods_on_the_host_get_no_policy_and_are_no_peer() -> None:
    world = World(
        app("shop/web"),
        service("shop/agent", "9100"),
        workload("shop/agent", hostNetwork=True),
        graph("shop/shop", SPEC),
    )
    assert world.policies("shop") == ["web"]
    assert world.callees("shop/web") == world.callers("shop/web") == set()
    assert {p.path for p in world.problems(Code.HOST_NETWORK)} == {".spec.services[0].calls[0]", ".spec.services[1]"}
    assert {p.severity for p in world.problems(Code.HOST_NETWORK)} == {Severity.ERROR}
    assert world.edges() == {"shop/web -> agent Unsupported", "shop/agent -> web Unsupported"}


def test_where_some_pods_are_on_the_host_the_others_keep_their_rules() -> None:
    world = World(
        app("shop/web"),
        service("shop/agent", "9100"),
        workload("shop/agent"),
        workload("shop/agent-host", labels={"app": "agent"}, hostNetwork=True),
        graph("shop/shop", SPEC),
    )
    assert world.callees("shop/web") == {"shop/agent 9100"}
    assert {p.severity for p in world.problems(Code.HOST_NETWORK)} == {Severity.WARNING}


def test_an_undeclared_caller_on_the_host_gives_no_rule_and_a_problem() -> None:
    spec = "services: [{name: web, accepts: [{service: agent}]}]"
    world = World(app("shop/web"), workload("shop/agent", hostNetwork=True), graph("shop/shop", spec))
    assert world.callers("shop/web") == set()
    assert world.codes == {Code.HOST_NETWORK}


def test_nodes_are_the_peer_to_write() -> None:
    spec = "services: [{name: web, accepts: [{nodes: true, ports: [8080]}]}]"
    world = World(app("shop/web"), workload("shop/agent", hostNetwork=True), graph("shop/shop", spec))
    assert world.allows("10.0.0.7", "shop/web", 8080)
    assert not world.allows("10.0.1.7", "shop/web", 8080)
