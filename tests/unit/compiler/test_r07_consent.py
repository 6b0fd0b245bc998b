"""R7: consent guards the callee's half only; without it nothing is told of a callee."""

import pytest

from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile, Limits
from tests.unit.compiler.cluster import PLAIN, World, app, graph, service, workload

CALL = "services: [{{name: checkout, calls: [{{service: ledger, namespace: payments{ports}}}]}}]"
LEDGER = "services: [{{name: ledger, accepts: [{accepts}]}}]"
CALLER = "service: checkout, namespace: storefront"


def across(accepts: str | None, ports: str = "", profile: ClusterProfile = PLAIN) -> World:
    """storefront/checkout calls payments/ledger, which exposes http (80 on 8080) and grpc (90 on 9090)."""
    graphs = [graph("storefront/store", CALL.format(ports=f", ports: {ports}" if ports else ""))]
    if accepts is not None:
        graphs.append(graph("payments/pay", LEDGER.format(accepts=accepts)))
    ledger = [service("payments/ledger", "http:80>8080 grpc:90>9090"), workload("payments/ledger")]
    return World(app("storefront/checkout"), ledger, *graphs, profile=profile)


def test_without_consent_the_callers_half_is_written_and_the_callees_is_not() -> None:
    world = across("")
    assert world.callees("storefront/checkout") == {"payments/ledger 8080", "payments/ledger 9090"}
    assert world.callers("payments/ledger") == set()
    assert world.edges() == {"storefront/checkout -> payments/ledger AwaitingConsent"}
    (problem,) = world.problems(Code.AWAITING_CONSENT)
    assert problem.graph.namespace == "storefront"
    assert problem.severity is Severity.WARNING


def test_consent_opens_the_callees_half() -> None:
    world = across(f"{{{CALLER}}}")
    assert world.callers("payments/ledger") == {"storefront/checkout 8080", "storefront/checkout 9090"}
    assert world.edges() == {"storefront/checkout -> payments/ledger Active"}


def test_anywhere_is_consent_at_its_ports() -> None:
    world = across("{anywhere: true, ports: [http]}", "[80]")
    assert world.edges() == {"storefront/checkout -> payments/ledger 80 Active"}
    assert "outside 8080" in world.callers("payments/ledger")


@pytest.mark.parametrize(
    ("accepted", "called", "open_ports", "edges"),
    [
        ("", "", {8080, 9090}, {" Active"}),
        ("[http]", "", {8080}, {" AwaitingConsent"}),
        ("", "[http]", {8080}, {" http Active"}),
        ("[http]", "[http]", {8080}, {" http Active"}),
        ("[80]", "[http]", {8080}, {" http Active"}),
        ("[http]", "[http, grpc]", {8080}, {" http Active", " grpc AwaitingConsent"}),
        ("[grpc]", "[http]", set(), {" http AwaitingConsent"}),
        ('["8000-8100"]', "[http]", {8080}, {" http Active"}),
    ],
)
def test_the_ports_are_those_that_both_sides_name(
    accepted: str, called: str, open_ports: set[int], edges: set[str]
) -> None:
    world = across(f"{{{CALLER}{', ports: ' + accepted if accepted else ''}}}", called)
    assert world.callers("payments/ledger") == {f"storefront/checkout {port}" for port in open_ports}
    assert world.edges() == {f"storefront/checkout -> payments/ledger{edge}" for edge in edges}


@pytest.mark.parametrize("called", ["", "[80]", "[9999]", "[80, 9999]", "[nothing]", '["8000-8100"]'])
def test_not_existing_and_not_accepting_are_told_alike(called: str) -> None:
    refusing, missing = (
        across("", called),
        World(
            app("storefront/checkout"),
            graph("storefront/store", CALL.format(ports=f", ports: {called}" if called else "")),
        ),
    )
    without_pods = World(
        app("storefront/checkout"),
        graph("storefront/store", CALL.format(ports=f", ports: {called}" if called else "")),
        graph("payments/pay", LEDGER.format(accepts="")),
    )
    on_host = World(
        app("storefront/checkout"),
        service("payments/ledger", "80"),
        workload("payments/ledger", hostNetwork=True),
        graph("storefront/store", CALL.format(ports=f", ports: {called}" if called else "")),
        graph("payments/pay", LEDGER.format(accepts="")),
    )
    told = [p for p in missing.problems() if p.code is not Code.DNS_UNKNOWN]
    assert [p.code for p in told] == [Code.AWAITING_CONSENT]
    for world in (refusing, without_pods, on_host):
        own = [p for p in world.problems() if p.graph.namespace == "storefront" and p.code is not Code.DNS_UNKNOWN]
        assert own == told
        assert world.edges() == missing.edges()


def test_a_partner_learns_of_the_ports_only_when_taken_at_all_of_them() -> None:
    at_some = across(f"{{{CALLER}, ports: [http]}}", "[9999]")
    assert at_some.codes - {Code.DNS_UNKNOWN} == {Code.AWAITING_CONSENT}
    at_all = across(f"{{{CALLER}}}", "[9999]")
    (problem,) = at_all.problems(Code.PORT_NOT_FOUND)
    assert "http (80)" in problem.message


def test_a_neighbour_that_adopts_cuts_nothing_it_does_not_isolate() -> None:
    before, after = across(None), across("")
    assert before.callees("storefront/checkout") == after.callees("storefront/checkout")
    off = World(
        app("storefront/checkout"),
        app("payments/ledger"),
        graph("storefront/store", CALL.format(ports="")),
        graph("payments/pay", 'mode: "Off"\nservices: [{name: ledger}]'),
    )
    assert off.allows("storefront/checkout", "payments/ledger", 8080)


def test_an_accepted_caller_that_no_graph_declares_gets_the_callees_half() -> None:
    world = World(
        app("storefront/checkout"),
        app("payments/ledger"),
        graph("payments/pay", LEDGER.format(accepts=f"{{{CALLER}}}")),
    )
    assert world.callers("payments/ledger") == {"storefront/checkout 8080"}
    assert world.codes == set()


def test_an_accepted_caller_that_does_not_call_gets_no_rule() -> None:
    world = World(
        app("storefront/checkout"),
        app("payments/ledger"),
        graph("storefront/store", "services: [{name: checkout}]"),
        graph("payments/pay", LEDGER.format(accepts=f"{{{CALLER}}}")),
    )
    assert world.callers("payments/ledger") == set()
    (problem,) = world.problems(Code.UNUSED_CONSENT)
    assert (problem.severity, problem.graph.namespace) == (Severity.INFO, "payments")


def test_accepting_a_service_of_the_own_namespace() -> None:
    spec = "services: [{name: api, accepts: [{service: legacy}]}]"
    outside = World(app("shop/legacy"), app("shop/api"), graph("shop/shop", spec))
    assert outside.callers("shop/api") == {"shop/legacy 8080"}
    declared = World(
        app("shop/legacy"), app("shop/api"), graph("shop/shop", spec), graph("shop/old", "services: [{name: legacy}]")
    )
    assert declared.callers("shop/api") == set()
    assert declared.codes == {Code.UNUSED_CONSENT}


def test_a_typing_error_in_the_ports_of_a_consent_is_told() -> None:
    world = across(f"{{{CALLER}, ports: [htpp]}}")
    (problem,) = world.problems(Code.PORT_NOT_FOUND)
    assert (problem.graph.namespace, problem.path) == ("payments", ".spec.services[0].accepts[0]")


def test_what_the_limits_forbid_is_no_consent() -> None:
    strict = ClusterProfile(limits=Limits(forbidden_parties=("anywhere",)))
    world = across("{anywhere: true, ports: [http]}", profile=strict)
    assert world.callers("payments/ledger") == set()
    assert world.edges() == {"storefront/checkout -> payments/ledger AwaitingConsent"}


def test_policies_are_written_only_into_the_graphs_own_namespace() -> None:
    assert across(None).policies("payments") == []
