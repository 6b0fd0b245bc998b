"""R2: policies act on pod ports; differing numbers of a named port are split by term, or told."""

import pytest

from servicegraph.model.problems import Code
from tests.unit.compiler.cluster import Raw, World, app, endpoints, graph, service, workload

CALLS = "services: [{{name: web, calls: [{{service: api{ports}}}]}}, {{name: api}}]"


def calling(ports: str, *cluster: Raw) -> World:
    """`web` calls `api` with these ports, as YAML; the cluster is that of `api`."""
    written = f", ports: {ports}" if ports else ""
    return World(app("shop/web"), *cluster, graph("shop/shop", CALLS.format(ports=written)))


@pytest.mark.parametrize(
    ("exposed", "written", "pod_port"),
    [
        ("80", "", "80"),
        ("80>8080", "", "8080"),
        ("80>8080", "[80]", "8080"),
        ("http:80>8080", "[http]", "8080"),
        ("80>web", "[80]", "8081"),
        ("dns:53/UDP>5353", "[dns]", "5353/UDP"),
        ("53/UDP>5353", '["53/UDP"]', "5353/UDP"),
        ("38412/SCTP", '["38412/SCTP"]', "38412/SCTP"),
        ("http:80>8080 metrics:9090", "[http]", "8080"),
    ],
)
def test_a_service_port_is_translated_to_the_port_of_the_pods(exposed: str, written: str, pod_port: str) -> None:
    world = calling(written, service("shop/api", exposed), workload("shop/api", "web:8081"))
    assert world.callers("shop/api") == {f"shop/web {pod_port}"}
    assert world.callees("shop/web") == {f"shop/api {pod_port}"}
    assert not world.problems(Code.PORT_NOT_FOUND)


def test_without_ports_a_call_means_all_that_the_service_exposes() -> None:
    world = calling("", service("shop/api", "http:80>8080 dns:53/UDP>5353"), workload("shop/api", "other:7000"))
    assert world.callers("shop/api") == {"shop/web 8080", "shop/web 5353/UDP"}


def test_a_number_without_protocol_is_tcp() -> None:
    world = calling("[53]", service("shop/api", "dns:53/UDP>5353 dns-tcp:53>5354"), workload("shop/api"))
    assert world.callers("shop/api") == {"shop/web 5354"}


def test_a_range_is_one_of_pod_ports() -> None:
    world = calling('["8000-8100"]', service("shop/api", "80>9000"), workload("shop/api"))
    assert world.allows("shop/web", "shop/api", 8050)
    assert not world.allows("shop/web", "shop/api", 8101)
    assert not world.allows("shop/web", "shop/api", 9000)


def test_a_port_that_is_found_nowhere_gives_no_rule_and_the_ports_there_are() -> None:
    world = calling("[8080, http]", service("shop/api", "http:80>8080"), workload("shop/api"))
    assert world.callers("shop/api") == {"shop/web 8080"}
    (problem,) = world.problems(Code.PORT_NOT_FOUND)
    assert problem.path == ".spec.services[0].calls[0]"
    assert "there is no port 8080" in problem.message
    assert "http (80)" in problem.message
    assert world.edges() == {"shop/web -> api http Active", "shop/web -> api 8080 Unresolved"}


def test_a_port_that_leads_nowhere_is_told_beside_those_that_lead_somewhere() -> None:
    world = calling("", service("shop/api", "http:80>8080 metrics:9090>metrics"), workload("shop/api"))
    assert world.callers("shop/api") == {"shop/web 8080"}
    (problem,) = world.problems(Code.PORT_NOT_FOUND)
    assert "metrics" in problem.message
    assert world.edges() == {"shop/web -> api Active", "shop/web -> api metrics Unresolved"}


def test_without_a_service_ports_are_those_of_the_pods() -> None:
    world = calling("[8080, metrics]", workload("shop/api", "metrics:9090"))
    assert world.callers("shop/api") == {"shop/web 8080", "shop/web 9090"}
    everything = calling("", workload("shop/api", "metrics:9090 http:8080"))
    assert everything.callers("shop/api") == {"shop/web 8080", "shop/web 9090"}


def test_a_name_of_which_the_pods_and_the_service_say_two_numbers_is_ambiguous() -> None:
    spec = "services: [{name: api, accepts: [{anywhere: true, ports: [http]}]}]"
    world = World(service("shop/api", "http:80>8080"), workload("shop/api", "http:8081"), graph("shop/shop", spec))
    assert world.callers("shop/api") == set()
    (problem,) = world.problems(Code.AMBIGUOUS_PORT)
    assert "8080 or 8081" in problem.message
    agreeing = World(service("shop/api", "http:80>8080"), workload("shop/api", "http:8080"), graph("shop/shop", spec))
    assert "outside 8080" in agreeing.callers("shop/api")


def test_two_services_of_one_term_that_differ_are_ambiguous() -> None:
    spec = """
    services:
      - {name: web, calls: [{service: api, ports: [80]}]}
      - {name: api, selects: [{service: api}, {service: api-2}]}
    """
    world = World(
        app("shop/web"),
        service("shop/api", "80>8080"),
        service("shop/api-2", "80>9090", {"app": "api"}),
        workload("shop/api"),
        graph("shop/shop", spec),
    )
    assert world.callers("shop/api") == set()
    assert world.codes >= {Code.AMBIGUOUS_PORT}


def test_pods_that_number_a_named_port_differently_are_split_by_term() -> None:
    world = calling(
        "",
        service("shop/api", "80>web"),
        workload("shop/api-v1", "web:8080", {"app": "api", "version": "1"}),
        workload("shop/api-v2", "web:8081", {"app": "api", "version": "2"}),
    )
    assert world.callers("shop/api-v1") == {"shop/web 8080"}
    assert world.callers("shop/api-v2") == {"shop/web 8081"}
    assert world.callees("shop/web") == {"shop/api-v1 8080", "shop/api-v2 8081"}
    assert not world.problems(Code.NAMED_PORT_DIVERGES)


def test_pods_that_no_selector_tells_apart_get_neither_number() -> None:
    world = calling(
        "",
        service("shop/api", "80>web 9090"),
        workload("shop/api-v1", "web:8080", {"app": "api"}),
        workload("shop/api-v2", "web:8081", {"app": "api"}),
    )
    assert world.callers("shop/api-v1") == {"shop/web 9090"}
    assert world.codes >= {Code.NAMED_PORT_DIVERGES}


def test_a_headless_service_translates_nothing() -> None:
    agreeing = calling("", service("shop/api", "8080", clusterIP="None"), workload("shop/api"))
    assert agreeing.callers("shop/api") == {"shop/web 8080"}
    differing = calling("", service("shop/api", "80>8080", clusterIP="None"), workload("shop/api"))
    assert differing.callers("shop/api") == set()
    assert differing.codes >= {Code.HEADLESS_PORT_MISMATCH}
    named = calling("", service("shop/api", "80>web", clusterIP="None"), workload("shop/api", "web:8080"))
    assert named.codes >= {Code.HEADLESS_PORT_MISMATCH}


def test_ports_that_nothing_else_tells_come_from_the_graph_then_from_the_endpoints() -> None:
    spec = "services: [{name: web, calls: [{service: api}]}, {name: api, ports: [{name: web, port: 8085}]}]"
    told = World(app("shop/web"), service("shop/api", "80>web"), workload("shop/api"), graph("shop/shop", spec))
    assert told.callers("shop/api") == {"shop/web 8085"}
    known = World(
        app("shop/web"), service("shop/api", "80>web"), workload("shop/api", "web:8080"), graph("shop/shop", spec)
    )
    assert known.callers("shop/api") == {"shop/web 8080"}
    sliced = calling(
        "", service("shop/api", "http:80>web"), workload("shop/api"), endpoints("shop/api", [], "http:8099")
    )
    assert sliced.callers("shop/api") == {"shop/web 8099"}


def test_ports_of_restartable_init_containers_count() -> None:
    mesh = {"name": "mesh", "restartPolicy": "Always", "ports": [{"name": "web", "containerPort": 15001}]}
    once = {"name": "migrate", "ports": [{"name": "old", "containerPort": 1}]}
    world = calling("", service("shop/api", "80>web"), workload("shop/api", initContainers=[mesh, once]))
    assert world.callers("shop/api") == {"shop/web 15001"}


def test_a_name_may_carry_its_protocol() -> None:
    world = calling('["dns/UDP"]', workload("shop/api", "dns:53/UDP dns:5300"))
    assert world.callers("shop/api") == {"shop/web 53/UDP"}
