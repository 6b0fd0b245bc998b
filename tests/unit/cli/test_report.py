"""`servicegraph report` as its users meet it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.asking import answered, expected, ran

SHOP, BANK, SOCKS = "examples/shop", "examples/bank", "examples/sock-shop"
PROFILE = ("--profile", f"{BANK}/profile.yaml")
FORMS = ("html", "markdown", "mermaid", "dot", "svg", "json")


def edge(whole: Any, source: str, target: str) -> Any:
    (found,) = [one for one in whole["edges"] if (one["source"], one["target"]) == (source, target)]
    return found


@pytest.mark.usefixtures("at_root")
def test_what_a_pull_request_shows(capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "report", BANK, *PROFILE, "-o", "markdown")
    assert answer.printed == expected("report-bank.md")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.usefixtures("at_root")
def test_services_edges_and_the_lines_behind_them(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "report", BANK, *PROFILE)
    assert whole["summary"] | {"version": ""} == {
        "version": "",
        "services": 10,
        "namespaces": 3,
        "policies": 12,
        "edges": {"Active": 22, "AwaitingConsent": 0, "Unresolved": 0, "Unsupported": 1, "Undeclared": 0},
        "pairs": 90,
        "allowed": 9,
    }
    assert edge(whole, "bank/cards", "to api.cards.example")["state"] == "Unsupported"
    call = edge(whole, "bank/gateway", "bank/accounts")
    assert (call["ports"], call["podPorts"], call["passes"]) == (["http"], ["8080", "8081"], True)
    origin = whole["origins"][call["origin"]]
    assert (origin["text"], origin["file"], origin["line"]) == (
        "gateway calls accounts [http]",
        f"{BANK}/servicegraph.yaml",
        22,
    )
    reasons = {origin["text"]: origin["reason"] for origin in whole["origins"] if origin["reason"]}
    assert reasons[
        "accounts-db accepts pods app=backup-agent in namespaces kubernetes.io/metadata.name=backup [postgres]"
    ]


@pytest.mark.usefixtures("at_root")
def test_policies_of_a_service_with_their_peers(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "report", SHOP)
    (search,) = [node for node in whole["items"] if node["id"] == "shop/search"]
    assert (search["mode"], search["isolated"], search["line"]) == ("Enforce", ["Ingress", "Egress"], 9)
    (policy,) = [whole["policies"][number] for number in search["policies"]]
    assert (policy["inForce"], policy["compiled"], policy["selects"]) == (
        True,
        True,
        "pods app.kubernetes.io/name=search",
    )
    (rule,) = policy["ingress"]
    (peer,) = rule["peers"]
    assert (peer["node"], rule["ports"]) == ("shop/frontend", ["8080"])
    assert [whole["origins"][n]["text"] for n in peer["origins"]] == ["frontend calls search"]


@pytest.mark.usefixtures("at_root")
def test_dry_run_is_shown_and_not_counted(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "report", BANK, *PROFILE)
    (fraud,) = [node for node in whole["items"] if node["id"] == "bank/fraud"]
    in_force = {whole["policies"][n]["name"]: whole["policies"][n]["inForce"] for n in fraud["policies"]}
    assert fraud["mode"] == "DryRun"
    assert sorted(in_force.values()) == [False, True, True]


@pytest.mark.usefixtures("at_root")
def test_policies_without_a_graph_are_drawn_too(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "report", f"{SHOP}/rendered.yaml", f"{SHOP}/app.yaml")
    found = edge(whole, "shop/search", "shop/database")
    assert (found["state"], found["passes"], found["rule"], found["origin"]) == ("Undeclared", True, "egress[1]", None)
    policy = whole["policies"][found["policy"]]
    assert (policy["compiled"], policy["file"]) == (False, f"{SHOP}/rendered.yaml")


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_files_does_not_matter(form: str, capsysbinary: Any) -> None:
    files = [f"{SOCKS}/app.yaml", f"{SOCKS}/servicegraph.yaml"]
    one, other = (ran(capsysbinary, "report", *names, "-o", form) for names in (files, files[::-1]))
    assert one.printed == other.printed
    assert (one.code, other.code) == (0, 0)


@pytest.mark.usefixtures("at_root")
def test_the_page_holds_the_document(capsysbinary: Any) -> None:
    page = ran(capsysbinary, "report", BANK, *PROFILE).printed
    (found,) = re.findall(r'<script type="application/json" id="report">(.*?)</script>', page)
    assert json.loads(found) == json.loads(ran(capsysbinary, "report", BANK, *PROFILE, "-o", "json").printed)


@pytest.mark.usefixtures("at_root")
def test_what_waits_and_what_leads_nowhere(capsysbinary: Any) -> None:
    consent = answered(capsysbinary, "report", "tests/golden/consent")
    assert edge(consent, "a/caller", "b/closed")["state"] == "AwaitingConsent"
    assert not edge(consent, "a/caller", "b/closed")["passes"]
    assert edge(consent, "c/stranger", "b/unasked")["passes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), r"nowhere: error: "),
        (("examples/shop", "-o", "png"), r"(?s).*'png'"),
    ],
)
@pytest.mark.usefixtures("at_root")
def test_what_cannot_be_read_is_refused(arguments: tuple[str, ...], said: str, capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "report", *arguments)
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(said, answer.said), answer.said


@pytest.mark.usefixtures("at_root")
def test_a_page_is_not_for_a_terminal(capsysbinary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    answer = ran(capsysbinary, "report", SHOP)
    assert (answer.code, answer.printed) == (2, "")
    assert "append > report.html" in answer.said


CUT = """\
apiVersion: servicegraph.dev/v1alpha1
kind: ServiceGraph
metadata: {name: shop, namespace: shop}
spec: {services: [{name: frontend, calls: [{service: search}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nobody, namespace: shop}
spec: {podSelector: {matchLabels: {app.kubernetes.io/name: search}}, policyTypes: [Ingress], ingress: []}
"""


@pytest.mark.usefixtures("at_root")
def test_an_active_call_that_somebody_elses_policy_cuts_does_not_pass(tmp_path: Path, capsysbinary: Any) -> None:
    (tmp_path / "cut.yaml").write_text(CUT)
    whole = answered(capsysbinary, "report", f"{SHOP}/app.yaml", str(tmp_path / "cut.yaml"))
    call = edge(whole, "shop/frontend", "shop/search")
    assert (call["state"], call["passes"]) == ("Active", False)
    (search,) = [node for node in whole["items"] if node["id"] == "shop/search"]
    assert (search["mode"], search["isolated"]) == (None, ["Ingress"])
