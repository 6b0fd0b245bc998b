"""R5: what cannot be resolved or expressed gives no rule and a problem; nothing empty that would mean everything."""

import pytest

from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile, ProfileParty
from servicegraph.model.resource import PodsSpec
from tests.unit.compiler.cluster import OUTSIDE, STRANGER, World, app, graph

NOTHING_KNOWN = ClusterProfile()


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{service: nobody}", Code.CALLEE_NOT_FOUND),
        ("{service: nobody, namespace: payments}", Code.AWAITING_CONSENT),
        ("{service: api, ports: [9999]}", Code.PORT_NOT_FOUND),
        ("{party: nobody, ports: [80]}", Code.UNKNOWN_PARTY),
        ("{internet: true, ports: [443]}", Code.PROFILE_INCOMPLETE),
        ("{nodes: true, ports: [9100]}", Code.PROFILE_INCOMPLETE),
        ("{kubeAPIServer: true}", Code.PROFILE_INCOMPLETE),
        ("{fqdn: api.example.com, ports: [443]}", Code.UNSUPPORTED_FQDN),
        ("{pods: {labels: {app: x}}}", Code.PORT_NOT_FOUND),
        ("{pods: {labels: {app: x}}, ports: [http]}", Code.PORT_NOT_FOUND),
        ("{cidr: 203.0.113.0/24, ports: [http]}", Code.PORT_NOT_FOUND),
        ("{nodes: true, ports: [http]}", Code.PROFILE_INCOMPLETE),
    ],
)
def test_a_call_that_cannot_be_resolved_gives_no_rule_and_a_problem(entry: str, code: Code) -> None:
    spec = f"services: [{{name: web, calls: [{entry}]}}, {{name: api}}]"
    world = World(app("shop/web"), app("shop/api"), graph("shop/shop", spec), profile=NOTHING_KNOWN)
    assert world.callees("shop/web") == set()
    assert world.isolated("shop/web") == ("Ingress", "Egress")
    assert code in world.codes
    assert all(p.path == ".spec.services[0].calls[0]" for p in world.problems(code))


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{service: nobody}", Code.CALLER_NOT_FOUND),
        ("{service: api, ports: [9999]}", Code.PORT_NOT_FOUND),
        ("{party: nobody, ports: [80]}", Code.UNKNOWN_PARTY),
        ("{internet: true, ports: [443]}", Code.PROFILE_INCOMPLETE),
        ("{kubeAPIServer: true, ports: [443]}", Code.PROFILE_INCOMPLETE),
        ("{anywhere: true, ports: [nothing]}", Code.PORT_NOT_FOUND),
        ("{pods: {labels: {app: x}}, ports: [nothing]}", Code.PORT_NOT_FOUND),
    ],
)
def test_an_acceptance_that_cannot_be_resolved_gives_no_rule_and_a_problem(entry: str, code: Code) -> None:
    spec = f"services: [{{name: web, accepts: [{entry}]}}]"
    world = World(app("shop/web"), app("shop/api"), graph("shop/shop", spec), profile=NOTHING_KNOWN)
    assert world.callers("shop/web") == set()
    assert world.codes == {code}
    assert {p.path for p in world.problems()} == {".spec.services[0].accepts[0]"}


def test_only_anywhere_writes_a_rule_without_from() -> None:
    spec = "services: [{name: web, accepts: [{anywhere: true, ports: [8080]}]}]"
    world = World(app("shop/web"), graph("shop/shop", spec))
    (made,) = world.manifests.values()
    assert made["spec"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8080}]}]
    for source in (OUTSIDE, STRANGER, "10.0.0.5"):
        assert world.allows(source, "shop/web", 8080)
        assert not world.allows(source, "shop/web", 8081)


@pytest.mark.parametrize(
    "pods",
    [
        "{labels: {}}",
        "{podSelector: {}}",
        "{namespaceSelector: {}, podSelector: {}}",
        "{namespaceSelector: {}, podSelector: {matchLabels: {app: x}}}",
    ],
)
def test_an_empty_selector_is_written_only_where_the_author_wrote_one_and_told(pods: str) -> None:
    spec = f"services: [{{name: web, accepts: [{{pods: {pods}, ports: [8080]}}]}}]"
    world = World(app("shop/web"), graph("shop/shop", spec))
    assert world.callers("shop/web") - {"stranger 8080"} <= {"shop/web 8080"}
    (problem,) = world.problems(Code.WIDE_OPEN)
    assert problem.severity is Severity.WARNING
    assert not world.allows(OUTSIDE, "shop/web", 8080)


def test_every_pod_of_the_own_namespace_is_not_every_pod() -> None:
    spec = "services: [{name: web, accepts: [{pods: {labels: {}}, ports: [8080]}]}]"
    world = World(app("shop/web"), app("shop/api"), graph("shop/shop", spec))
    assert world.callers("shop/web") == {"shop/web 8080", "shop/api 8080"}


def test_a_profile_party_that_makes_no_sense_gives_no_rule() -> None:
    broken = ClusterProfile(parties=(ProfileParty(name="probes", pods=PodsSpec(namespace="ops")),))
    spec = "services: [{name: web, accepts: [{party: probes, ports: [8080]}]}]"
    world = World(app("shop/web"), graph("shop/shop", spec), profile=broken)
    assert world.callers("shop/web") == set()
    assert world.codes == {Code.UNKNOWN_PARTY}
