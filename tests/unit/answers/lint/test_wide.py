"""WideCIDR, WideNamespaces, WidePorts, UnexplainedAnywhere: what opens far more than one peer and does not say why."""

import pytest

from servicegraph.model.graph import Graph
from servicegraph.model.problems import Code
from tests.unit.answers.lint.found import find, places
from tests.unit.compiler.cluster import app, graph

TOWN = [*app("shop/search"), *app("shop/database", "5432")]
EXPLAINED = "reason: agreed in SEC-7"


def calling(party: str) -> Graph:
    return graph("shop/shop", f"{{services: [{{name: search, calls: [{{{party}}}]}}]}}")


@pytest.mark.parametrize(
    ("code", "wide", "narrow"),
    [
        (Code.WIDE_CIDR, "cidr: 64.0.0.0/7, ports: [443]", "cidr: 64.0.0.0/8, ports: [443]"),
        (Code.WIDE_CIDR, 'cidr: "2000::/3", ports: [443]', 'cidr: "2a00::/16", ports: [443]'),
        (Code.WIDE_PORTS, 'service: database, ports: ["1024-5120"]', 'service: database, ports: ["1024-5119"]'),
        (
            Code.WIDE_PORTS,
            "cidr: 64.0.0.0/8, ports: ['1-4000', '5000-8000/UDP']",
            "cidr: 64.0.0.0/8, ports: ['1-2000', '5000-6000/UDP']",
        ),
        (
            Code.WIDE_NAMESPACES,
            "pods: {namespaceSelector: {matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}, "
            "podSelector: {matchLabels: {app: agent}}}, ports: [80]",
            "pods: {namespaceSelector: {matchExpressions: [{key: env, operator: In, values: [dev]}, "
            "{key: old, operator: DoesNotExist}]}, podSelector: {matchLabels: {app: agent}}}, ports: [80]",
        ),
    ],
)
def test_too_wide(code: Code, wide: str, narrow: str) -> None:
    database = graph("shop/data", "{services: [{name: database}]}")
    assert places(code, TOWN, calling(wide), database) == [".spec.services[0].calls[0]"]
    assert places(code, TOWN, calling(narrow), database) == []
    assert places(code, TOWN, calling(f"{wide}, {EXPLAINED}"), database) == []


def test_every_address_there_is() -> None:
    except_own = "except: [10.244.0.0/16, 10.96.0.0/16, 169.254.0.0/16]"
    (found,) = find(TOWN, calling(f"cidr: 0.0.0.0/0, {except_own}, ports: [443]"))
    assert found.code is Code.WIDE_CIDR
    assert "every address" in found.message


@pytest.mark.parametrize(
    ("services", "found"),
    [
        ("{name: search, calls: [{service: database}]}, {name: database, ACCEPTS}", [".spec.services[1].accepts[0]"]),
        ("{name: search, calls: [{service: database}], ACCEPTS}, {name: database}", []),
        ("{name: search}, {name: database, ACCEPTS}", []),
        ("{name: search}, {name: database, ACCEPTS, calls: [{service: database}]}", []),
        ("{name: search, calls: [{service: database}]}, {name: database, calls: [{service: search}], ACCEPTS}", []),
    ],
    ids=["where data lives", "a front door", "called by nobody", "called by itself", "in the middle"],
)
def test_anywhere_is_asked_about_at_the_end_of_a_chain(services: str, found: list[str]) -> None:
    for reason, expected in (("", found), (f", {EXPLAINED}", [])):
        accepts = f"accepts: [{{anywhere: true, ports: [5432]{reason}}}]"
        shop = graph("shop/shop", f"{{services: [{services.replace('ACCEPTS', accepts)}]}}")
        assert places(Code.UNEXPLAINED_ANYWHERE, TOWN, shop) == expected


def test_anywhere_as_a_default_is_asked_about_once() -> None:
    spec = "{{defaults: {{accepts: [{{{}: true, ports: [80]}}]}}, services: [{{name: search}}, {{name: database}}]}}"
    found = places(Code.UNEXPLAINED_ANYWHERE, TOWN, graph("shop/shop", spec.format("anywhere")))
    assert found == [".spec.defaults.accepts[0]"]
    assert places(Code.UNEXPLAINED_ANYWHERE, TOWN, graph("shop/shop", spec.format("nodes"))) == []
