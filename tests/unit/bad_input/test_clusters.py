"""A graph that does not fit the cluster: a problem at the entry, no rule for it, and the rest is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.bad_input.command import run
from tests.unit.bad_input.test_resources import HEADER

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "clusters.yaml").read_text())
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: {0}, namespace: a}}
spec: {{selector: {{app: {0}}}, ports: [{{name: http, port: 80, targetPort: http}}]}}
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {0}, namespace: a}}
spec:
  selector: {{matchLabels: {{app: {0}}}}}
  template:
    metadata: {{labels: {{app: {0}}}}}
    spec: {{hostNetwork: {1}, containers: [{{name: main, ports: [{{name: http, containerPort: 8080}}]}}]}}
"""
BYSTANDER = "- name: bystander\n  selects: [{labels: {app: bystander}}]\n"


def document(written: str) -> str:
    match written.split():
        case ["service", name]:
            return SERVICE.format(name)
        case ["workload", name]:
            return WORKLOAD.format(name, "false")
        case ["host", "workload", name]:
            return WORKLOAD.format(name, "true")
    return written


def write(case: dict[str, Any]) -> None:
    services = "".join(f"    {line}\n" for line in (case["graph"] + BYSTANDER).splitlines())
    Path("graph.yaml").write_text(f"{HEADER}  services:\n{services}")
    Path("cluster.yaml").write_text("---\n".join(document(written) for written in case["cluster"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_problem_at_its_entry(case: dict[str, Any], capsysbinary: Any, in_folder: Path) -> None:
    write(case)
    ran = run(capsysbinary, ".")
    assert ran.code == case.get("code", 1) or case.get("code", 1) is None, ran.said
    said = [line for line in ran.said.splitlines() if not line.endswith("[DNSAssumed]")]
    if "message" in case:
        assert [m for m in said if re.fullmatch(rf"graph\.yaml:{case['line']}: {case['message']}", m)], said
    else:
        assert not said
    assert "rendered-sg-bystander" in ran.printed
    if "absent" in case:
        assert case["absent"] not in ran.printed


def test_each_of_two_long_names_has_its_policy(capsysbinary: Any, in_folder: Path) -> None:
    write(next(case for case in CASES if case["case"].startswith("names of 63 characters")))
    policies = list(yaml.safe_load_all(run(capsysbinary, ".").printed))
    for field in ("name", "servicegraph.dev/service"):
        found = [(p["metadata"] | p["metadata"]["labels"])[field] for p in policies]
        assert len(set(found)) == 3
    assert all(len(p["metadata"]["labels"]["servicegraph.dev/service"]) <= 63 for p in policies)


@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--strict",), 1)])
def test_strict_counts_warnings(arguments: tuple[str, ...], code: int, capsysbinary: Any, in_folder: Path) -> None:
    write(next(case for case in CASES if case["case"] == "a service without pods"))
    assert run(capsysbinary, ".", *arguments).code == code


def test_what_a_graph_ignores_is_neither_told_nor_counted(capsysbinary: Any, in_folder: Path) -> None:
    write(next(case for case in CASES if case["case"] == "a callee that does not exist"))
    text = Path("graph.yaml").read_text()
    Path("graph.yaml").write_text(f"{text}  ignores: [{{code: CalleeNotFound, service: a}}]\n")
    ran = run(capsysbinary, ".")
    assert (ran.code, "CalleeNotFound" in ran.said) == (0, False)
    Path("graph.yaml").write_text(f"{text}  ignores: [{{code: CalleeNotFound, service: bystander}}]\n")
    assert run(capsysbinary, ".").code == 1
