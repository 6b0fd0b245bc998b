"""MeshPort and MeshControlPlane: what a service mesh needs open."""

import msgspec
import pytest

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code
from servicegraph.model.profile import Mesh
from tests.unit.answers.lint.found import CALICO, find, message, places
from tests.unit.compiler.cluster import WITH_DNS, Raw, app, graph, namespace, service, workload

TOWN = [*app("shop/search"), *app("shop/database", "5432")]
AMBIENT = namespace("shop", **{"istio.io/dataplane-mode": "ambient"})
SIDECARS = namespace("shop", **{"istio-injection": "enabled"})
PLACE = [".spec.services"]
SHOP = graph("shop/shop", "{services: [{name: search, calls: [{service: database}]}, {name: database}]}")


def tunnelled(port: int, *, caller: bool = True, callee: bool = True) -> Graph:
    call = f", {{pods: {{labels: {{app: database}}}}, ports: [{port}]}}" if caller else ""
    accept = f", accepts: [{{pods: {{labels: {{app: search}}}}, ports: [{port}]}}]" if callee else ""
    services = f"{{name: search, calls: [{{service: database}}{call}]}}, {{name: database{accept}}}"
    return graph("shop/shop", f"{{services: [{services}]}}")


def in_mesh(mesh: Mesh, *parts: Graph | Raw | list[Raw]) -> set[Code]:
    return {problem.code for problem in find(*parts, profile=msgspec.structs.replace(CALICO, mesh=mesh))}


def test_ambient_traffic_arrives_at_another_port() -> None:
    assert places(Code.MESH_PORT, TOWN, AMBIENT, SHOP) == PLACE
    assert places(Code.MESH_PORT, TOWN, AMBIENT, tunnelled(15008)) == []
    assert places(Code.MESH_PORT, TOWN, namespace("shop"), SHOP) == []


def test_both_ends_need_the_port() -> None:
    told = message(p for p in find(TOWN, AMBIENT, tunnelled(15008, caller=False)) if p.code is Code.MESH_PORT)
    assert "closed at search:" in told
    told = message(p for p in find(TOWN, AMBIENT, tunnelled(15008, callee=False)) if p.code is Code.MESH_PORT)
    assert "closed at database:" in told


def test_pods_join_and_leave_ambient_by_themselves() -> None:
    def labelled(mode: str) -> list[Raw]:
        return [
            workload(f"shop/{n}", labels={"app": n, "istio.io/dataplane-mode": mode}) for n in ("search", "database")
        ]

    services = (
        "{services: [{name: search, selects: [{labels: {app: search}}], calls: [{service: database, ports: [1]}]}"
    )
    shop = graph("shop/shop", services + ", {name: database, selects: [{labels: {app: database}}], ports: [1]}]}")
    assert places(Code.MESH_PORT, labelled("none"), AMBIENT, shop) == []
    assert places(Code.MESH_PORT, labelled("ambient"), AMBIENT, shop) == PLACE


def test_who_talks_to_nobody_in_the_mesh_needs_no_tunnel() -> None:
    call = "{pods: {namespace: old, labels: {app: x}}, ports: [1]}"
    outside = f"{{services: [{{name: search, directions: [Egress], calls: [{call}]}}]}}"
    assert places(Code.MESH_PORT, TOWN, AMBIENT, namespace("old"), graph("shop/shop", outside)) == []
    old = namespace("old", **{"istio.io/dataplane-mode": "ambient"})
    assert places(Code.MESH_PORT, TOWN, AMBIENT, old, graph("shop/shop", outside)) == PLACE


def test_asking_dns_alone_needs_no_tunnel() -> None:
    profile = msgspec.structs.replace(CALICO, dns=WITH_DNS.dns, mesh="Linkerd")
    dns = [service("kube-system/kube-dns", "53/UDP dns-tcp:53"), workload("kube-system/kube-dns")]
    shop = graph("shop/shop", "{services: [{name: search, calls: [{cidr: 64.0.0.0/8, ports: [443]}]}]}")
    found = find(app("shop/search"), dns, shop, profile=profile)
    assert {problem.code for problem in found} == {Code.MESH_CONTROL_PLANE}


def test_the_profile_tells_where_no_label_does() -> None:
    assert in_mesh("IstioAmbient", TOWN, SHOP) == {Code.MESH_PORT}
    assert in_mesh("IstioAmbient", TOWN, SHOP, namespace("shop")) == set()
    assert in_mesh("Linkerd", TOWN, SHOP, namespace("shop")) == {Code.MESH_PORT, Code.MESH_CONTROL_PLANE}
    assert in_mesh("Linkerd", TOWN, tunnelled(4143), namespace("shop")) == {Code.MESH_CONTROL_PLANE}


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("{pods: {namespace: istio-system, labels: {app: istiod}}, ports: [15012]}", []),
        ("{pods: {namespace: istio-system, labels: {app: istiod}}, ports: [15010]}", PLACE),
        ("{pods: {namespace: elsewhere, labels: {app: istiod}}, ports: [15012]}", PLACE),
    ],
)
def test_sidecars_reach_their_control_plane(call: str, found: list[str]) -> None:
    town = [*app("shop/search"), SIDECARS, namespace("istio-system"), namespace("elsewhere")]
    shop = graph("shop/shop", f"{{services: [{{name: search, calls: [{call}]}}]}}")
    assert places(Code.MESH_CONTROL_PLANE, town, shop) == found
    ingress_only = graph("shop/shop", f"{{directions: [Ingress], services: [{{name: search, calls: [{call}]}}]}}")
    assert places(Code.MESH_CONTROL_PLANE, town, ingress_only) == []


def test_linkerd_needs_three_ports() -> None:
    call = "{{pods: {{namespace: linkerd, labels: {{app: x}}}}, ports: [{}]}}"
    spec = "{{services: [{{name: search, calls: [{}]}}]}}"
    for ports, found in (("8080, 8086, 8090", set()), ("8080, 8086", {Code.MESH_CONTROL_PLANE})):
        shop = graph("shop/shop", spec.format(call.format(ports)))
        assert in_mesh("Linkerd", app("shop/search"), shop) - {Code.MESH_PORT} == found
