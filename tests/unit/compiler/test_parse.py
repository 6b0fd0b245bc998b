"""What one resource can tell is wrong with itself: the path, and what to write instead."""

from typing import Any

import pytest
import yaml

from servicegraph.compiler.parse import Parsed, parse
from servicegraph.model.problems import Code


def parsed(spec: str, **metadata: Any) -> Parsed:
    raw = {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"name": "g", **metadata},
        "spec": yaml.safe_load(spec),
    }
    return parse(raw)


def in_service(body: str) -> str:
    return f"services: [{{name: web, {body}}}]"


WEB = ".spec.services[0]"
CALL = f"{WEB}.calls[0]"


@pytest.mark.parametrize(
    ("spec", "path", "advice"),
    [
        ("mode: Offf", ".spec.mode", "Enforce, DryRun, Off"),
        ("mode: Off", ".spec.mode", 'write "Off" in quotes'),
        ("modus: Enforce", ".spec.modus", "did you mean 'mode'"),
        ("directions: []", ".spec.directions", "write [Ingress]"),
        ("services: [{}]", ".spec.services[0]", "'name' is missing"),
        ("services: [{name: Web}]", f"{WEB}.name", "lower-case"),
        ("services: [{name: web}, {name: web}]", ".spec.services[1].name", "declared twice"),
        (in_service("calls: [{}]"), CALL, "names no party"),
        (
            in_service("calls: [{service: a, nodes: true, ports: [1]}]"),
            f"{WEB}.calls[0]",
            "one entry for each",
        ),
        (in_service("calls: [{nodes: true}]"), CALL, "needs ports"),
        (in_service("calls: [{service: a, ports: []}]"), f"{CALL}.ports", "is empty"),
        (in_service("calls: [{service: a, ports: [0]}]"), f"{CALL}.ports[0]", "1 to 65535"),
        (in_service("calls: [{anywhere: true, ports: [1]}]"), f"{CALL}.anywhere", "unknown field"),
        (in_service("accepts: [{fqdn: a.b, ports: [1]}]"), f"{WEB}.accepts[0].fqdn", "unknown field"),
        (in_service("accepts: [{anywhere: false, ports: [1]}]"), f"{WEB}.accepts[0].anywhere", "write true"),
        (in_service("calls: [{fqdn: '*.*.com', ports: [1]}]"), f"{CALL}.fqdn", "one whole label"),
        (in_service("calls: [{cidr: 10.0.1.0/8, ports: [1]}]"), f"{CALL}.cidr", "10.0.0.0/8"),
        (
            in_service("calls: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8], ports: [1]}]"),
            f"{CALL}.except[0]",
            "not inside",
        ),
        (in_service("calls: [{pods: {}}]"), f"{CALL}.pods", "which pods"),
        (in_service("calls: [{pods: {labels: {}, podSelector: {}}}]"), f"{CALL}.pods", "two forms"),
        (
            in_service("calls: [{pods: {labels: {}}, namespace: x}]"),
            f"{CALL}.namespace",
            "inside `pods`",
        ),
        (in_service("selects: [{}]"), f"{WEB}.selects[0]", "names 0"),
        (in_service("selects: [{labels: {}}]"), f"{WEB}.selects[0].labels", "at least one label"),
        (
            in_service("selects: [{workload: {kind: Rollout, name: x}}]"),
            f"{WEB}.selects[0].workload",
            "apiVersion",
        ),
        (in_service("ports: [70000]"), f"{WEB}.ports[0]", "1 to 65535"),
        (in_service("ports: [{port: 80, name: HTTP}]"), f"{WEB}.ports[0].name", "lower-case"),
        ("defaults: {accepts: [{}]}\nservices: [{name: a}, {name: b}]", ".spec.defaults.accepts[0]", "names no party"),
    ],
)
def test_what_is_wrong_is_told_once_with_its_place_and_what_to_write(spec: str, path: str, advice: str) -> None:
    found = parsed(spec)
    assert found.graph is None
    assert [(p.code, p.path) for p in found.problems] == [(Code.INVALID, path)]
    assert advice in found.problems[0].message


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"name": "My Graph"}, ".metadata.name"),
        ({"name": "x" * 64}, ".metadata.name"),
        ({"name": ""}, ".metadata.name"),
        ({"namespace": "a.b"}, ".metadata.namespace"),
        ({"namespace": 7}, ".metadata.namespace"),
    ],
)
def test_names_that_the_api_server_would_refuse(metadata: dict[str, Any], path: str) -> None:
    assert [p.path for p in parsed("{}", **metadata).problems] == [path]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = parsed(in_service("calls: [{nodes: true}, {service: A}], ports: [0]"))
    assert [p.path for p in found.problems] == [
        ".spec.services[0].calls[0]",
        ".spec.services[0].calls[1].service",
        ".spec.services[0].ports[0]",
    ]


def test_another_version_is_not_served() -> None:
    found = parse({"apiVersion": "servicegraph.dev/v1", "kind": "ServiceGraph", "metadata": {"name": "g"}, "spec": {}})
    assert [p.path for p in found.problems] == [".apiVersion"]
    assert "servicegraph.dev/v1alpha1" in found.problems[0].message


def test_the_texts_of_entries_do_not_depend_on_the_order_of_ports() -> None:
    one = parsed(in_service("calls: [{service: api, ports: [https, 80, 8080]}]")).graph
    other = parsed(in_service("calls: [{service: api, ports: [8080, https, 80]}]")).graph
    assert one is not None
    assert other is not None
    assert one.services[0].calls == other.services[0].calls
    assert one.services[0].calls[0].text == "web calls api [80, 8080, https]"


def test_a_missing_namespace_is_the_one_given_else_default() -> None:
    raw = {"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph", "metadata": {"name": "g"}, "spec": {}}
    assert parse(raw).key.namespace == "default"
    assert parse(raw, "shop").key.namespace == "shop"
