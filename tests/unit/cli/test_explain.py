"""`servicegraph explain` as its users meet it."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.cli.asking import ROOT, answered, expected, ran

SHOP, BANK = "examples/shop", "examples/bank"
PROFILE = ("--profile", f"{BANK}/profile.yaml")
POLICIES = ("-f", f"{SHOP}/rendered.yaml", "-f", f"{SHOP}/app.yaml")
FOREIGN = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: by-hand, namespace: shop}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: database}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/name: search}}}]
      ports: [{port: 5432}]
---
apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: shop, labels: {app: debug, pod-template-hash: 5f7}}
spec: {containers: [{name: a, ports: [{containerPort: 9000}]}]}
"""


@pytest.fixture
def foreign(tmp_path: Path) -> str:
    """The shop without a graph, with a policy that somebody wrote and a pod that belongs to nobody."""
    shutil.copy(ROOT / SHOP / "app.yaml", tmp_path)
    (tmp_path / "others.yaml").write_text(FOREIGN)
    return str(tmp_path)


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("explain-allowed", ("-f", SHOP, "frontend", "search")),
        ("explain-denied", ("-f", SHOP, "search", "frontend", "http")),
        ("explain-policies", (*POLICIES, "search", "database", "5432")),
        ("explain-two-namespaces", ("-f", BANK, *PROFILE, "cards", "payments/ledger", "9000")),
        ("explain-name", ("-f", BANK, *PROFILE, "cards", "api.cards.example", "443")),
    ],
)
def test_what_people_read(name: str, arguments: tuple[str, ...], capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "explain", *arguments)
    assert answer.printed == expected(f"{name}.txt")
    assert answer.code == 0


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        (("frontend", "search"), "allowed"),
        (("frontend", "search", "80"), "allowed"),
        (("frontend", "search", "8080"), "allowed"),
        (("frontend", "search", "81"), "denied"),
        (("frontend", "search.shop.svc", "http"), "allowed"),
        (("shop/search", "database.shop.svc.cluster.local"), "allowed"),
        (("database", "search"), "denied"),
        (("198.51.100.7", "frontend", "http"), "allowed"),
        (("198.51.100.7", "search", "http"), "denied"),
        (("2001:db8::7", "frontend", "http"), "allowed"),
        (("search", "api.example.com", "443"), "denied"),
        (("database", "198.51.100.7", "53/UDP"), "denied"),
    ],
)
def test_who_and_what_can_be_asked_about(arguments: tuple[str, ...], outcome: str, capsysbinary: Any) -> None:
    assert answered(capsysbinary, "explain", "-f", SHOP, *arguments)["summary"]["outcome"] == outcome


@pytest.mark.usefixtures("at_root")
def test_a_graph_and_its_own_output_beside_it_count_once(capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "explain", "-f", SHOP, "frontend", "search", "80")
    (verdict,) = whole["items"]
    assert [len(verdict[side]["isolatedBy"]) for side in ("egress", "ingress")] == [1, 1]
    (origin,) = verdict["ingress"]["allowedBy"][0]["origins"]
    assert (origin["text"], origin["file"], origin["line"]) == (
        "frontend calls search",
        f"{SHOP}/servicegraph.yaml",
        8,
    )


@pytest.mark.usefixtures("at_root")
def test_the_entry_to_add_is_one_that_works(capsysbinary: Any, tmp_path: Path) -> None:
    """The proposal is written into the file where it says, and asked again."""
    shutil.copytree(ROOT / SHOP, tmp_path, dirs_exist_ok=True)
    graph = tmp_path / "servicegraph.yaml"
    question = ("explain", "-f", str(tmp_path), "search", "frontend", "80")
    (change,) = answered(capsysbinary, *question)["summary"]["changes"]
    (edit,) = change["edits"]
    assert (edit["path"], edit["file"], edit["line"]) == (".spec.services[1].calls", str(graph), 10)
    resource = yaml.safe_load(graph.read_text())
    resource["spec"]["services"][1]["calls"].append(edit["value"])
    graph.write_text(yaml.safe_dump(resource))
    assert answered(capsysbinary, *question)["summary"]["outcome"] == change["outcome"] == "allowed"


def test_policies_of_others_are_explained_and_mended(foreign: str, capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "explain", "-f", foreign, "pod/debug", "database", "5432")
    assert whole["summary"]["outcome"] == "denied"
    ((edit,),) = [change["edits"] for change in whole["summary"]["changes"]]
    assert (edit["kind"], edit["name"], edit["path"]) == ("NetworkPolicy", "shop/by-hand", ".spec.ingress")
    assert edit["value"] == {
        "from": [{"podSelector": {"matchLabels": {"app": "debug"}}}],
        "ports": [{"protocol": "TCP", "port": 5432}],
    }
    allowed = answered(capsysbinary, "explain", "-f", foreign, "search", "database", "5432")
    ((edit,),) = [change["edits"] for change in allowed["summary"]["changes"]]
    assert (edit["action"], edit["path"]) == ("remove", ".spec.ingress[0]")


def test_where_nothing_isolates_a_graph_is_what_would(foreign: str, capsysbinary: Any) -> None:
    whole = answered(capsysbinary, "explain", "-f", foreign, "frontend", "search")
    edits = [edit for change in whole["summary"]["changes"] for edit in change["edits"]]
    assert [(edit["action"], edit["value"]["spec"]["services"]) for edit in edits] == [
        ("create", [{"name": "search"}]),
        ("create", [{"name": "frontend"}]),
    ]


@pytest.mark.usefixtures("at_root")
def test_expect_is_for_scripts(capsysbinary: Any) -> None:
    question = ("explain", "-f", SHOP, "frontend", "database")
    assert ran(capsysbinary, *question, "--expect", "denied").code == 0
    assert ran(capsysbinary, *question, "--expect", "allowed").code == 1


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("frontnd", "search"), r"FROM: error: there is no service frontnd; near it: shop/frontend \[Invalid\]"),
        (("shop/frontend", "shpo/search"), r"TO: error: there is no service shpo/search; near it: shop/search"),
        (("frontend", "zzz"), r"TO: error: there is no service zzz; there are shop/database, shop/frontend"),
        (("pod/x", "search"), r"FROM: error: there is no pod x"),
        (("frontend", "10.0.0.0/8"), r"TO: error: 10\.0\.0\.0/8 is a range of addresses: ask about one"),
        (("frontend", "search", "grpc"), r"PORT: error: shop/search: there is no port grpc; .*http \(80\)"),
        (("frontend", "search", "70000"), r"PORT: error: port 70000 does not exist"),
        (("frontend", "api.example.com", "https"), r"PORT: error: api\.example\.com has no port https"),
    ],
)
def test_what_means_nothing_is_refused(arguments: tuple[str, ...], said: str, capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "explain", "-f", SHOP, *arguments)
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(said, answer.said), answer.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-f", "."), r"\.: error: there is no ServiceGraph and no NetworkPolicy: name with --file"),
        (("-f", "nowhere"), r"nowhere: error: there is no such file or folder"),
        (("--kubeconfig", "nowhere"), r"cluster: error: nowhere cannot be used: .*--kubeconfig"),
        (("--git", "HEAD"), r".*: error: this is not in a git repository"),
    ],
)
def test_input_that_cannot_be_read_is_refused(
    arguments: tuple[str, ...], said: str, capsysbinary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = ran(capsysbinary, "explain", *arguments, "a", "b")
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(said, answer.said), answer.said


def test_a_policy_that_is_not_valid_is_refused_with_its_line(capsysbinary: Any, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(FOREIGN.replace("{port: 5432}", "{port: 0}"))
    answer = ran(capsysbinary, "explain", "-f", str(tmp_path), "a", "b")
    assert answer.code == 2
    assert re.match(r".*x\.yaml:9:\d+: error: the NetworkPolicy is not valid: 0 is not between", answer.said)


def test_a_cluster_that_does_not_answer(capsysbinary: Any, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}
    config = {"clusters": [cluster], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]}
    kubeconfig.write_text(yaml.safe_dump(config | {"users": [{"name": "u", "user": {}}], "current-context": "c"}))
    answer = ran(capsysbinary, "explain", "--kubeconfig", str(kubeconfig), "a", "b")
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(r"http://127\.0\.0\.1:1: error: the API server does not answer: .*check --context", answer.said)
    assert len(answer.said.splitlines()) == 1
