"""R12: the smallest form in one canonical order; names are deterministic, valid and collision-free."""

import re

from servicegraph.compiler.emit.names import exemption_name, label_value, policy_name, rendered_name
from servicegraph.model.selectors import Selector
from tests.unit.compiler.cluster import World, app, graph

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")


def ingress(world: World, service: str) -> list[object]:
    (made,) = [m for m in world.manifests.values() if m["metadata"]["labels"]["servicegraph.dev/service"] == service]
    found: list[object] = made["spec"]["ingress"]
    return found


def test_peers_with_the_same_ports_share_a_rule() -> None:
    spec = """
    services:
      - {name: a, calls: [{service: api, ports: [80]}]}
      - {name: b, calls: [{service: api, ports: [80]}]}
      - {name: c, calls: [{service: api}]}
      - {name: api}
    """
    world = World(*(app(f"shop/{name}") for name in "abc"), app("shop/api", "80>8080 90>9090"), graph("shop/s", spec))
    assert ingress(world, "api") == [
        {
            "from": [{"podSelector": {"matchLabels": {"app": name}}} for name in names],
            "ports": [{"protocol": "TCP", "port": port} for port in ports],
        }
        for names, ports in (("ab", [8080]), ("c", [8080, 9090]))
    ]


def test_nothing_is_said_twice() -> None:
    spec = """
    services:
      - name: a
        calls: [{service: api}, {service: api, ports: [80]}, {pods: {labels: {app: api}}, ports: ["8080/TCP"]}]
      - name: api
        accepts: [{pods: {labels: {app: a}}, ports: ["8000-8100"]}, {pods: {labels: {app: a}}, ports: [8050]}]
    """
    world = World(app("shop/a"), app("shop/api"), graph("shop/s", spec))
    peer = {"podSelector": {"matchLabels": {"app": "a"}}}
    assert ingress(world, "api") == [{"from": [peer], "ports": [{"protocol": "TCP", "port": 8000, "endPort": 8100}]}]


def test_what_anybody_may_is_not_repeated_for_single_peers() -> None:
    spec = """
    services:
      - {name: a, calls: [{service: api}]}
      - {name: api, accepts: [{anywhere: true, ports: [8080]}]}
    """
    world = World(app("shop/a"), app("shop/api", "80>8080 90>9090"), graph("shop/s", spec))
    assert ingress(world, "api") == [
        {"ports": [{"protocol": "TCP", "port": 8080}]},
        {
            "from": [{"podSelector": {"matchLabels": {"app": "a"}}}],
            "ports": [{"protocol": "TCP", "port": 9090}],
        },
    ]


def test_names_are_valid_and_differ_where_services_and_terms_do() -> None:
    services = ["a", "search", "x" * 63, "y" + "x" * 62, "x" * 253, "x" * 252 + "y", "a-b.c" * 60]
    selectors = [Selector.from_labels({"app": "a"}), Selector.from_labels({"app": "b"})]
    names = [
        name
        for service in services
        for selector in selectors
        for name in (
            policy_name(service, selector),
            exemption_name(service, selector),
            *(policy_name(service, selector, part, 16) for part in range(16)),
            policy_name(service, selector, 1, 8),
        )
    ]
    assert len(set(names)) == len(names)
    assert all(NAME.match(name) and len(rendered_name(name)) <= 253 for name in names)


def test_names_do_not_change_between_runs() -> None:
    assert policy_name("search", Selector.from_labels({"app": "search"})) == "sg-search-2073bddfbb"


def test_labels_fit_and_differ_where_names_do() -> None:
    values = [label_value(name) for name in ("x" * 63, "x" * 64, "x" * 63 + "y", "a" * 54 + "." + "b" * 20)]
    assert len(set(values)) == 4
    assert all(len(value) <= 63 and NAME.match(value) for value in values)
