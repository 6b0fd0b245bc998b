"""The API server takes what docs/spec.md shows, and refuses the rest in words that a person understands."""

import re
import subprocess
from typing import Any

import pytest

from tests.contract import CRD, beyond_schema, graph, refused, spec_examples
from tests.integration.existing import Target
from tests.waiting import PATIENCE, SECONDS
from tools.cluster.toolchain import find_kubectl

SERVICEGRAPHS = "/apis/servicegraph.dev/v1alpha1/namespaces/{}/servicegraphs"
EXAMPLES = spec_examples()
REFUSED = refused()
BEYOND_SCHEMA = {case: resource for case, (resource, _, _) in beyond_schema().items()}


def kubectl(cluster: Target, *arguments: str) -> str:
    command = [str(find_kubectl()), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout


@pytest.fixture(scope="module")
def api(cluster: Target) -> Target:
    """A cluster that serves ServiceGraphs."""
    kubectl(cluster, "apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", str(CRD))
    kubectl(cluster, "wait", "--for=condition=Established", f"--timeout={SECONDS:.0f}s", "-f", str(CRD))
    return cluster


def create(cluster: Target, resource: dict[str, Any]) -> tuple[int, Any]:
    """What the API server says to a strict dry run of creating it."""
    placed = resource | {"metadata": resource["metadata"] | {"namespace": "default"}}
    return cluster.request("POST", f"{SERVICEGRAPHS.format('default')}?dryRun=All&fieldValidation=Strict", placed)


@pytest.mark.parametrize(("resource", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_refused_with_a_reason(api: Target, resource: dict[str, Any], message: str) -> None:
    status, answer = create(api, resource)
    assert status in (400, 422), answer
    assert re.search(message, answer["message"]), answer["message"]


@pytest.mark.parametrize("resource", BEYOND_SCHEMA.values(), ids=BEYOND_SCHEMA.keys())
def test_what_only_the_parser_refuses_is_beyond_the_schema(api: Target, resource: dict[str, Any]) -> None:
    status, answer = create(api, resource)
    assert status == 201, f"the API server refuses it too: move the case to crd_cases ({answer['message']})"


@pytest.mark.parametrize("resource", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_examples_of_the_spec_page_are_stored_as_written(api: Target, resource: dict[str, Any]) -> None:
    status, answer = create(api, resource)
    assert status == 201, answer["message"]
    assert answer["spec"] == resource["spec"]


def calling(services: int, calls: int) -> dict[str, Any]:
    """The spec of this many services, each calling this many of its neighbours."""
    return {
        "services": [
            {
                "name": f"service-{i}",
                "accepts": [{"service": f"service-{i}", "namespace": "storefront", "ports": ["http"]}],
                "calls": [{"service": f"service-{(i + c) % services}", "ports": [8080]} for c in range(1, calls + 1)],
            }
            for i in range(services)
        ]
    }


@pytest.mark.parametrize(("services", "calls"), [(2_000, 6), (20, 500)])
def test_large_graphs_are_within_the_budget_of_the_rules(api: Target, services: int, calls: int) -> None:
    status, answer = create(api, graph(calling(services, calls)))
    assert status == 201, answer["message"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (calling(2_001, 0), r"spec\.services: Too many: 2001: must have at most 2000 items"),
        (calling(1, 501), r"services\[0\]\.calls: Too many: 501: must have at most 500 items"),
        (
            {"services": [{"name": "a", "calls": [{"service": "b", "ports": list(range(1, 102))}]}]},
            r"calls\[0\]\.ports: Too many: 101: must have at most 100 items",
        ),
        (
            {"services": [{"name": "a", "selects": [{"labels": {f"l{i}": "" for i in range(33)}}]}]},
            r"selects\[0\]\.labels: Too many: 33: must have at most 32 items",
        ),
        (
            {"services": [{"name": "a", "calls": [{"service": "b", "reason": "x" * 1_025}]}]},
            r"calls\[0\]\.reason: Too long: may not be more than 1024 bytes",
        ),
    ],
    ids=["services", "calls", "ports", "labels", "reason"],
)
def test_more_than_the_limits_is_refused(api: Target, spec: dict[str, Any], message: str) -> None:
    status, answer = create(api, graph(spec))
    assert status == 422, answer
    assert re.search(message, answer["message"]), answer["message"]


def test_kubectl_get_shows_the_state_in_columns(api: Target, namespace: str) -> None:
    path = SERVICEGRAPHS.format(namespace)
    resource = graph({"services": [{"name": "search"}]}) | {"metadata": {"name": "shop", "namespace": namespace}}
    status, created = api.request("POST", path, resource)
    assert status == 201, created
    condition = {
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
        "reason": "Applied",
        "message": "",
    }
    created["status"] = {
        "observedGeneration": 1,
        "services": 3,
        "edges": {"total": 9, "active": 6, "awaitingConsent": 1, "unresolved": 1, "unsupported": 1},
        "policies": 4,
        "problemCount": 2,
        "problems": [{"code": "PortNotFound", "severity": "error", "path": ".spec", "message": "no such port"}],
        "conditions": [
            condition | {"type": "Ready", "status": "True"},
            condition | {"type": "Verified", "status": "Unknown"},
        ],
    }
    status, answer = api.request("PUT", f"{path}/shop/status?fieldValidation=Strict", created)
    assert status == 200, answer
    headings, row = kubectl(api, "get", "sg", "-n", namespace).splitlines()
    assert headings.split() == ["NAME", "READY", "VERIFIED", "SERVICES", "EDGES", "POLICIES", "PROBLEMS", "AGE"]
    assert row.split()[:-1] == ["shop", "True", "Unknown", "3", "9", "4", "2"]


def test_deleting_all_of_a_namespace_leaves_graphs(api: Target, namespace: str) -> None:
    resource = graph({}) | {"metadata": {"name": "shop", "namespace": namespace}}
    status, answer = api.request("POST", SERVICEGRAPHS.format(namespace), resource)
    assert status == 201, answer
    kubectl(api, "delete", "all", "--all", "-n", namespace)
    assert "servicegraph.servicegraph.dev/shop" in kubectl(api, "get", "servicegraph", "-o", "name", "-n", namespace)


def test_kubectl_explain_describes_the_fields(api: Target) -> None:
    calls = " ".join(kubectl(api, "explain", "servicegraph.spec.services.calls").split())
    assert "Whom this service calls. Each entry names exactly one party" in calls
    assert "Example: [{service: database, ports: [5432]}]" in calls
    mode = " ".join(kubectl(api, "explain", "servicegraph.spec.mode").split())
    assert re.search(r"enum:? Enforce,? DryRun,? Off", mode, re.IGNORECASE), mode
    assert "Default: Enforce" in mode
