"""R14: a term that moved keeps its policy and its place as a peer until it is drained; a withdrawal is immediate."""

from servicegraph.compiler.emit.names import DRAINING_ANNOTATION, LISTENING_ANNOTATION, policy_name
from servicegraph.model.cluster import ContainerPort, DrainingTerm, Listening, ServicePort
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from tests.support.verdict import Pod
from tests.unit.compiler.cluster import Raw, World, app, graph, service, workload

OLD = Selector.from_labels({"app": "search-old"})
OLD_POD = Pod("shop", {"app": "search-old"})
REACHED = Listening(((ServicePort(80, 8080), 8080),))
SPEC = """
services:
  - {name: web, calls: [{service: search}]}
  - {name: search, calls: [{service: db}]}
  - {name: db}
"""
CLUSTER: list[list[Raw]] = [app("shop/web"), app("shop/search", "80>9090"), app("shop/db", "5432")]


def drained(selector: Selector, listening: Listening = REACHED, service_: str = "search") -> DrainingTerm:
    return DrainingTerm(ServiceKey("shop", service_), selector, listening)


def moved(spec: str = SPEC, *terms: DrainingTerm) -> World:
    return World(*CLUSTER, graph("shop/shop", spec), draining=terms or [drained(OLD)])


def test_the_former_pods_stay_isolated_and_reachable_as_they_were() -> None:
    world = moved()
    assert world.isolated(OLD_POD) == ("Ingress", "Egress")
    assert world.callers(OLD_POD) == {"shop/web 8080"}
    assert world.callees(OLD_POD) == {"shop/db 5432"}
    assert world.callers("shop/search") == {"shop/web 9090"}


def test_they_keep_their_place_as_a_peer_on_both_sides() -> None:
    world = moved()
    assert world.allows("shop/web", OLD_POD, 8080)
    assert not world.allows("shop/web", OLD_POD, 9090)
    assert world.allows(OLD_POD, "shop/db", 5432)


def test_their_policy_is_the_object_that_was_there() -> None:
    world = moved()
    name = policy_name("search", OLD)
    (policy,) = [p for p in world.compilation.policies if p.draining]
    assert (policy.name, policy.listening) == (name, REACHED)
    assert policy.name in {name.partition("/")[2] for name in world.manifests}


def test_a_removed_call_is_withdrawn_from_former_pods_at_once() -> None:
    no_call = moved("services: [{name: web}, {name: search, calls: [{service: db}]}, {name: db}]")
    assert no_call.callers(OLD_POD) == set()
    assert not no_call.verdicts.egress(no_call.end("shop/web"), OLD_POD, ("TCP", 8080))
    no_callee = moved("services: [{name: web, calls: [{service: search}]}, {name: search}, {name: db}]")
    assert no_callee.callees(OLD_POD) == set()
    assert no_callee.callers("shop/db") == set()


def test_a_removed_service_is_withdrawn_at_once() -> None:
    world = moved("services: [{name: web, calls: [{service: search}]}, {name: db}]")
    assert world.isolated(OLD_POD) == ()
    assert not world.allows("shop/web", OLD_POD, 8080)


def test_a_withdrawn_consent_is_withdrawn_at_once() -> None:
    call = graph("store/s", "services: [{name: shop-front, calls: [{service: search, namespace: shop}]}]")
    accepting = "services: [{name: search, accepts: [{service: shop-front, namespace: store}]}]"
    pod = Pod("store", {"app": "shop-front"})
    for spec, open_ in ((accepting, True), ("services: [{name: search}]", False)):
        world = World(*CLUSTER, app("store/shop-front"), call, graph("shop/shop", spec), draining=[drained(OLD)])
        assert world.allows(pod, OLD_POD, 8080) is open_


def test_a_port_number_that_moved_drains_in_the_same_policy() -> None:
    current = Selector.from_labels({"app": "search"})
    world = moved(SPEC, drained(current))
    assert world.callers("shop/search") == {"shop/web 8080", "shop/web 9090"}
    assert world.callees("shop/web") == {"shop/search 8080", "shop/search 9090"}
    made = world.manifests[f"shop/{policy_name('search', current)}"]
    assert '"services":[[{"port":80,"target":9090' in made["metadata"]["annotations"][LISTENING_ANNOTATION]
    assert made["metadata"]["annotations"][DRAINING_ANNOTATION].count("8080") == 2


def test_a_named_port_of_the_pods_drains_too() -> None:
    world = World(
        app("shop/web"),
        service("shop/search", "80>http"),
        workload("shop/search", "http:9090"),
        graph("shop/shop", "services: [{name: web, calls: [{service: search}]}, {name: search}]"),
        draining=[
            drained(
                Selector.from_labels({"app": "search"}),
                Listening(((ServicePort(80, "http"), 8080),), (ContainerPort(8080, "TCP", "http"),)),
            )
        ],
    )
    assert world.callers("shop/search") == {"shop/web 8080", "shop/web 9090"}


def test_a_caller_that_drains_stays_a_peer() -> None:
    former = drained(Selector.from_labels({"app": "web-old"}), Listening(), "web")
    world = moved(SPEC, former)
    assert world.allows(Pod("shop", {"app": "web-old"}), "shop/search", 9090)


def test_what_equals_the_current_term_does_not_drain() -> None:
    current = Selector.from_labels({"app": "search"})
    world = moved(SPEC, drained(current, Listening(((ServicePort(80, 9090), 9090),))))
    (policy,) = [p for p in world.compilation.policies if p.service == ServiceKey("shop", "search")]
    assert (policy.draining, policy.drained) == (False, ())


def test_a_service_whose_pods_are_all_former_keeps_them() -> None:
    world = World(
        app("shop/web"),
        graph("shop/shop", "services: [{name: web, calls: [{service: search}]}, {name: search}]"),
        draining=[drained(OLD)],
    )
    assert world.allows("shop/web", OLD_POD, 8080)
    assert world.isolated(OLD_POD) == ("Ingress", "Egress")


def test_under_namespace_isolation_former_pods_are_exempted_as_their_service_is() -> None:
    spec = 'isolation: Namespace\nservices: [{name: search, mode: "Off"}]'
    world = moved(spec)
    assert world.allows(OLD_POD, "198.51.100.7", 443)
