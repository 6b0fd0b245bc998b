"""Ports move: policies act on pod ports, whatever the Service says (R2)."""

from tests.integration.kube import Audit, Kube
from tests.integration.look import edges, policies, problems, versions
from tests.integration.operators import Operator
from tests.integration.support import end_pod, policy_writes, scene, shop_pods, start_pod
from tests.integration.world import SHOP, app, deployment, graph, service
from tests.waiting import eventually

CALLS = {"frontend > search:8080", "search > database:8080"}
MOVED = {"frontend > search:9090", "search > database:8080"}
PORTS = (80, 8080, 8081, 9090)


def version_of(kube: Kube, namespace: str, name: str) -> str:
    found: str = policies(kube, namespace)[name]["metadata"]["resourceVersion"]
    return found


def test_a_service_port_changes(kube: Kube, shop: str, audit: Audit) -> None:
    """The pods listen where they did: no flow changes, and only how search is reached is noted."""
    before = versions(kube, shop)
    search = service(shop, "search")
    search["spec"]["ports"][0]["port"] = 8888
    kube.apply(search)
    eventually(lambda: policy_writes(audit, shop), "the translation is noted")
    assert shop_pods(shop, *PORTS).allows(kube) == CALLS
    kube.apply(service(shop, "database", http=9090))
    eventually(lambda: "search > database:9090" in shop_pods(shop, *PORTS).allows(kube), "a later change is through")
    changed = {name for name, version in versions(kube, shop).items() if before[name] != version}
    assert {name.rpartition("-")[0] for name in changed} == {"sg-search", "sg-database"}


def test_a_service_port_that_a_call_names_changes(kube: Kube, operator: Operator, namespace: str) -> None:
    services = {**SHOP, "frontend": {"calls": [{"service": "search", "ports": [80]}]}}
    kube.apply(*app(namespace, *SHOP), graph(namespace, "shop", services))
    eventually(lambda: shop_pods(namespace, *PORTS).allows(kube) == CALLS)
    search = service(namespace, "search")
    search["spec"]["ports"][0]["port"] = 81
    kube.apply(search)
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 1, "unresolved": 1})
    eventually(lambda: shop_pods(namespace, *PORTS).allows(kube) == {"search > database:8080"})
    assert "81" in problems(kube, namespace)["PortNotFound"], "the message lists the ports there are"
    kube.apply(service(namespace, "search"))
    eventually(lambda: shop_pods(namespace, *PORTS).allows(kube) == CALLS)
    eventually(lambda: edges(kube, namespace) == {"total": 2, "active": 2})


def test_a_target_port_changes(kube: Kube, shop: str) -> None:
    before = version_of(kube, shop, "database")
    kube.apply(service(shop, "search", http=9090))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == MOVED, "the Service leads elsewhere at once")
    assert version_of(kube, shop, "database") == before
    kube.apply(service(shop, "search", http="http"))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == CALLS)


def test_a_port_is_added_and_removed(kube: Kube, shop: str) -> None:
    kube.apply(service(shop, "search", http="http", admin=8081))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == CALLS | {"frontend > search:8081"})
    kube.apply(service(shop, "search", http="http"))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == CALLS)


def test_a_named_port_is_numbered_anew(kube: Kube, shop: str) -> None:
    before = version_of(kube, shop, "database")
    kube.apply(deployment(shop, "search", http=9090))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == MOVED)
    assert version_of(kube, shop, "database") == before
    assert edges(kube, shop) == {"total": 2, "active": 2}


def test_a_named_port_is_numbered_anew_while_pods_have_the_former_number(
    kube: Kube, operator: Operator, shop: str
) -> None:
    start_pod(kube, shop, "search-1", {"app": "search"}, http=8080)
    kube.apply(deployment(shop, "search", http=9090))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == CALLS | MOVED, "both numbers lead somewhere")
    start_pod(kube, shop, "search-2", {"app": "search"}, http=9090)
    end_pod(kube, shop, "search-1")
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == MOVED, "the former number is drained")
    assert len(kube.list("NetworkPolicy", shop)) == 3
    eventually(lambda: operator.metric("servicegraph_draining_terms") == 0)


def test_two_workloads_of_a_service_number_a_port_differently(kube: Kube, shop: str) -> None:
    """Blue and green: each is reached at its own number, because labels tell them apart (R2)."""
    blue, green = {"app": "search", "colour": "blue"}, {"app": "search", "colour": "green"}
    kube.delete("Deployment", shop, "search")
    kube.apply(deployment(shop, "search-blue", blue, http=8080), deployment(shop, "search-green", green, http=9090))
    pods = shop_pods(shop, *PORTS, search=blue, green=green)
    both = {"frontend > search:8080", "frontend > green:9090", "search > database:8080", "green > database:8080"}
    eventually(lambda: pods.allows(kube) == both)
    kube.delete("Deployment", shop, "search-green")
    eventually(lambda: shop_pods(shop, *PORTS, search=blue).allows(kube) == CALLS)
    eventually(lambda: not problems(kube, shop))


def test_workloads_that_cannot_be_told_apart(kube: Kube, shop: str) -> None:
    """Fail closed: a port with two numbers at the same labels leads nowhere, until it has one again."""
    kube.apply(deployment(shop, "search-too", {"app": "search"}, http=9090))
    eventually(lambda: "NamedPortDiverges" in problems(kube, shop))
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == {"search > database:8080"})
    kube.delete("Deployment", shop, "search-too")
    eventually(lambda: shop_pods(shop, *PORTS).allows(kube) == CALLS)
    eventually(lambda: not problems(kube, shop))


def test_accepts_speaks_of_pod_ports(kube: Kube, operator: Operator, namespace: str) -> None:
    """A number stays what it is, a name follows the containers."""
    accepts = [
        {"pods": {"labels": {"app": name}}, "ports": [port]} for name, port in (("stranger", 8080), ("other", "web"))
    ]
    search = {"ports": [{"name": "web", "port": 8080}], "accepts": accepts}
    kube.apply(service(namespace, "search", http=8080), graph(namespace, "shop", {"search": search}))
    pods = scene(namespace, *PORTS, search={"app": "search"}, stranger={"app": "stranger"}, other={"app": "other"})

    def reached() -> set[str]:
        return {flow for flow in pods.allows(kube) if "> search:" in flow}

    eventually(lambda: reached() == {"stranger > search:8080", "other > search:8080"})
    kube.apply(deployment(namespace, "search", web=9090))
    eventually(lambda: reached() == {"stranger > search:8080", "other > search:9090"})
