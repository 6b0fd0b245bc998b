"""A cluster whose network plugin enforces nothing: the API server takes every policy, and no packet is denied.

The operator and `servicegraph doctor` say so plainly, and stop saying so when a plugin arrives that does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.cli.main import main
from tests.contract import ROOT
from tests.integration.kube import Kube, Object
from tests.integration.look import status
from tests.integration.operators import SYSTEM, Operator, kubeconfig_of
from tests.unit.cli.schema import violations
from tests.waiting import eventually

SCHEMA = json.loads((ROOT / "docs" / "schemas" / "doctor.schema.json").read_text())
MISSING = {"Operator", "DNS"}
"""What the embedded control plane has not: the operator is a process, and there is no DNS."""

DAEMON_SETS = "/apis/apps/v1/namespaces/kube-system/daemonsets"


def doctor(capsysbinary: Any, kubeconfig: Path, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Its exit code, and result and message of each check."""
    code = main(["doctor", "--kubeconfig", str(kubeconfig), "-o", "json", *arguments])
    whole = json.loads(capsysbinary.readouterr().out)
    assert violations(whole, SCHEMA) == []
    checks = {item["name"]: (item["result"], item["message"]) for item in whole["items"]}
    results = [result for result, _ in checks.values()]
    assert whole["summary"] == {result: results.count(result) for result in ("ok", "warning", "error")}
    return code, checks


def daemon_set(name: str) -> Object:
    labels = {"app": name}
    containers = [{"name": "main", "image": "example.test/none"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


@contextmanager
def installed(kube: Kube, name: str) -> Iterator[None]:
    kube.call("POST", DAEMON_SETS, daemon_set(name))
    try:
        yield
    finally:
        kube.call("DELETE", f"{DAEMON_SETS}/{name}")


@pytest.fixture
def flannel(kube: Kube) -> Iterator[None]:
    """A plugin that connects pods and enforces nothing."""
    with installed(kube, "kube-flannel-ds"):
        yield


def warnings(kube: Kube, namespace: str) -> list[str]:
    problems = status(kube, namespace, "shop").get("problems", ())
    return [p["message"] for p in problems if (p["code"], p["severity"]) == ("NotEnforced", "warning")]


def test_the_operator_says_so_in_every_graph_its_events_and_its_log(
    kube: Kube, operator: Operator, shop: str, flannel: None
) -> None:
    eventually(lambda: any("kube-flannel-ds does not enforce" in text for text in warnings(kube, shop)))
    eventually(lambda: ("Warning", "NotEnforced") in [(e["type"], e["reason"]) for e in kube.list("Event", shop)])
    assert "No agent is known here that enforces NetworkPolicies" in operator.text
    with installed(kube, "cilium"):
        eventually(lambda: status(kube, shop, "shop") and not warnings(kube, shop), "the warning ends with its reason")
    eventually(lambda: warnings(kube, shop), "and comes back with it")


def test_doctor_says_so(kube: Kube, account: Path, flannel: None, capsysbinary: Any) -> None:
    code, checks = doctor(capsysbinary, kube.kubeconfig)
    assert code == 1
    result, message = checks.pop("Enforcement")
    assert result == "warning"
    assert "they may have no effect" in message and "kube-flannel-ds does not enforce policies by itself" in message
    assert {name for name, (result, _) in checks.items() if result != "ok"} == MISSING, "the rest of it is well"


def test_doctor_does_not_take_an_agent_without_pods_for_enforcement(
    kube: Kube, account: Path, capsysbinary: Any
) -> None:
    with installed(kube, "cilium"):
        code, checks = doctor(capsysbinary, kube.kubeconfig)
    assert (code, checks["Enforcement"][0]) == (1, "warning")
    assert "cilium is ready on 0 of 0 nodes" in checks["Enforcement"][1]


def test_doctor_prints_a_line_for_each_check(kube: Kube, account: Path, capsysbinary: Any) -> None:
    assert main(["doctor", "--kubeconfig", str(kube.kubeconfig)]) == 1
    lines = capsysbinary.readouterr().out.decode().splitlines()
    results = {line[9:].partition("  ")[0]: line.split()[0] for line in lines}
    assert results.pop("Kubernetes") == results.pop("ServiceGraph API") == "ok"
    assert {name for name, result in results.items() if result != "ok"} == {"Enforcement", *MISSING}


def test_doctor_names_what_an_account_lacks(kube: Kube, account: Path, capsysbinary: Any) -> None:
    for scope in ((), ("-n", "default")):
        code, checks = doctor(capsysbinary, kube.kubeconfig, "--service-account", "default/default", *scope)
        result, message = checks["Operator's permissions"]
        assert (code, result) == (1, "error") and "may not get servicegraphs.servicegraph.dev" in message


def test_doctor_tells_a_user_of_few_rights_what_they_cannot_see(
    kube: Kube, account: Path, tmp_path: Path, capsysbinary: Any
) -> None:
    somebody = kubeconfig_of(kube, "default", "default", tmp_path)
    code, checks = doctor(capsysbinary, somebody)
    assert code == 1
    for check in ("Operator's permissions", "Enforcement"):
        assert checks[check][0] == "warning" and "not known" in checks[check][1]


@pytest.mark.parametrize("arguments", [("--service-account", SYSTEM), ("--kubeconfig", "/no/such/file")])
def test_doctor_refuses_what_makes_no_sense(arguments: tuple[str, ...], capsys: Any) -> None:
    assert main(["doctor", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err


def test_doctor_without_an_answer_ends_with_2(tmp_path: Path, kube: Kube, capsys: Any) -> None:
    nobody = tmp_path / "kubeconfig"
    config = yaml.safe_load(kube.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nobody.write_text(yaml.safe_dump(config))
    assert main(["doctor", "--kubeconfig", str(nobody)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
