"""`servicegraph diff` as its users meet it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.asking import ROOT, answered, expected, ran

SHOP = ROOT / "examples" / "shop"


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with the shop in `old` and in `new`."""
    monkeypatch.chdir(tmp_path)
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        for name in ("app.yaml", "servicegraph.yaml"):
            shutil.copy(SHOP / name, tmp_path / side)
    return tmp_path


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def change(two: Path) -> None:
    """A call more, a call less, more ports, and an acceptance."""
    edit(
        two / "new" / "servicegraph.yaml",
        ("calls: [{service: search}]", "calls: [{service: database}]"),
        ("- name: database", "- name: database\n      accepts: [{pods: {labels: {app: backup}}, ports: [5432]}]"),
        ("accepts: [{anywhere: true, ports: [http]}]", 'accepts: [{anywhere: true, ports: ["8080-8090"]}]'),
    )


def kinds(whole: Any) -> list[tuple[str, str, str, str, bool]]:
    return [
        (item["kind"], item["from"], item["to"], ", ".join(item["ports"]), item["effective"]) for item in whole["items"]
    ]


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_what_people_read(form: str, two: Path, capsysbinary: Any) -> None:
    change(two)
    answer = ran(capsysbinary, "diff", "old", "new", "-o", form)
    assert answer.printed == expected(f"diff.{form}")
    assert answer.code == 0


def test_flows_are_told_with_their_ends_ports_and_lines(two: Path, capsysbinary: Any) -> None:
    change(two)
    whole = answered(capsysbinary, "diff", "old", "new")
    assert kinds(whole) == [
        ("Added", "pods app=backup of shop", "shop/database", "5432", True),
        ("Added", "shop/frontend", "shop/database", "5432", True),
        ("Widened", "anywhere", "shop/frontend", "8081-8090", True),
        ("Removed", "shop/frontend", "shop/search", "8080", True),
    ]
    reasons = whole["items"][1]["reasons"]
    assert {reason["direction"] for reason in reasons} == {"Egress", "Ingress"}
    assert {(o["file"], o["line"]) for reason in reasons for o in reason["origins"]} == {("new/servicegraph.yaml", 8)}
    assert whole["items"][3]["reasons"][0]["origins"][0]["file"] == "old/servicegraph.yaml"


def test_nothing_changes_when_only_the_text_does(two: Path, capsysbinary: Any) -> None:
    edit(two / "new" / "servicegraph.yaml", ("{service: search}", "{service: search, ports: [http], reason: why}"))
    assert ran(capsysbinary, "diff", "old", "new", "--fail-on", "changed") == (0, "No flow changes.\n", "")


def test_other_labels_of_the_same_pods_are_no_change(two: Path, capsysbinary: Any) -> None:
    edit(two / "new" / "app.yaml", ("app.kubernetes.io/name: search", "app: search-v2"))
    whole = answered(capsysbinary, "diff", "old", "new")
    assert (whole["items"], whole["summary"]["relabelled"]) == ([], ["shop/search"])


def test_labels_that_pods_keep_and_policies_lose_are_a_change(two: Path, capsysbinary: Any) -> None:
    edit(two / "new" / "servicegraph.yaml", ("- name: database", "- {name: database, selects: [{labels: {a: b}}]}"))
    whole = answered(capsysbinary, "diff", "old", "new")
    assert ("Opened", "anywhere", "shop/database") in [item[:3] for item in kinds(whole)]
    assert whole["summary"]["widens"] is True


def test_a_service_that_is_not_covered_any_more_widens(two: Path, capsysbinary: Any) -> None:
    edit(two / "new" / "servicegraph.yaml", ("    - name: database\n", ""))
    answer = ran(capsysbinary, "diff", "old", "new", "--fail-on", "widened")
    assert answer.code == 1
    assert "opened  shop/database: nothing isolates its ingress any more" in answer.printed
    back = ran(capsysbinary, "diff", "new", "old", "--fail-on", "widened")
    assert back.code == 0
    assert "isolated  shop/database: its ingress is isolated now" in back.printed


def test_isolation_that_lets_everything_pass_changes_nothing(two: Path, capsysbinary: Any) -> None:
    spec = "{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}"
    head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\n"
    for side in ("old", "new"):
        (two / side / "servicegraph.yaml").unlink()
    (two / "new" / "all.yaml").write_text(f"{head}spec: {spec}\n")
    assert ran(capsysbinary, "diff", "old", "new") == (0, "No flow changes.\n", "")
    (two / "new" / "all.yaml").write_text(f"{head}spec: {spec.replace('[{}]', '[]')}\n")
    assert [item[0] for item in kinds(answered(capsysbinary, "diff", "old", "new"))] == ["Isolated"]


def test_one_end_alone_changes_no_flow(two: Path, capsysbinary: Any) -> None:
    edit(
        two / "new" / "servicegraph.yaml",
        (
            "    - name: database",
            "    - name: database\n"
            "      accepts: [{pods: {labels: {app.kubernetes.io/name: frontend}}, ports: [5432]}]",
        ),
    )
    whole = answered(capsysbinary, "diff", "old", "new")
    assert kinds(whole) == [("Added", "shop/frontend", "shop/database", "5432", False)]
    assert (whole["summary"]["widens"], whole["summary"]["ineffective"]) == (False, 1)
    assert ran(capsysbinary, "diff", "old", "new", "--fail-on", "widened").code == 0


def test_a_scanner_log_has_the_lines_of_the_change(two: Path, capsysbinary: Any) -> None:
    change(two)
    log = json.loads(ran(capsysbinary, "diff", "old", "new", "-o", "sarif").printed)
    results = log["runs"][0]["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("AccessAdded", "warning"),
        ("AccessAdded", "warning"),
        ("AccessWidened", "warning"),
        ("AccessRemoved", "note"),
    ]
    place = results[1]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("new/servicegraph.yaml", 8)


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.test", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(two: Path) -> Path:
    """A repository with the shop in `app`, a tag `one`, and a commit more, in which frontend calls database."""
    (two / "new").rename(two / "app")
    shutil.rmtree(two / "old")
    git(two, "init", "-q", "-b", "main")
    git(two, "add", ".")
    git(two, "commit", "-qm", "one")
    git(two, "tag", "one")
    edit(two / "app" / "servicegraph.yaml", ("calls: [{service: search}]", "calls: [{service: database}]"))
    git(two, "commit", "-qam", "two")
    return two


@pytest.mark.parametrize(
    ("revisions", "counts"),
    [("one..HEAD", (1, 1)), ("one..main", (1, 1)), ("one", (1, 1)), ("HEAD", (0, 0)), ("one..", (1, 1))],
)
def test_git_revisions(revisions: str, counts: tuple[int, int], repository: Path, capsysbinary: Any) -> None:
    for folder in ("app", "."):
        summary = answered(capsysbinary, "diff", "--git", revisions, folder)["summary"]
        assert (summary["added"], summary["removed"]) == counts


def test_a_revision_is_compared_with_files_as_they_are_now(repository: Path, capsysbinary: Any) -> None:
    edit(repository / "app" / "servicegraph.yaml", ("calls: [{service: database}]", "calls: []"))
    whole = answered(capsysbinary, "diff", "--git", "main")
    assert {item["reasons"][0]["origins"][0]["file"] for item in whole["items"]} == {"main:app/servicegraph.yaml"}


def test_what_parted_is_compared_from_where_it_parted(repository: Path, capsysbinary: Any) -> None:
    git(repository, "checkout", "-qb", "side", "one")
    edit(repository / "app" / "servicegraph.yaml", ("calls: [{service: search}]", "calls: []"))
    git(repository, "commit", "-qam", "three")
    since = answered(capsysbinary, "diff", "--git", "main...side")["summary"]
    assert (since["added"], since["removed"]) == (0, 2)  # search, and DNS: frontend calls nobody any more


def test_hidden_and_other_files_of_a_revision_are_left_out(repository: Path, capsysbinary: Any) -> None:
    (repository / ".hidden").mkdir()
    for name in (".hidden/x.yaml", ".y.yaml", "z.txt"):
        (repository / name).write_text("}")
    git(repository, "add", "-f", ".")
    git(repository, "commit", "-qm", "three")
    assert ran(capsysbinary, "diff", "--git", "one..HEAD").code == 0
    (repository / "broken.yaml").write_text("a: [\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "four")
    broken = ran(capsysbinary, "diff", "--git", "one..HEAD")
    assert (broken.code, broken.said.split(":")[:2]) == (2, ["HEAD", "broken.yaml"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--git", "nope"), r"--git nope: error: git knows no revision 'nope' here"),
        (("--git", "one..nope"), r"--git nope: error: git knows no revision"),
        (("--git", "--upload-pack=x"), r"--git --upload-pack=x: error: this is no revision"),
        (("--git", "nope...one"), r"--git nope\.\.\.one: error: git knows no revision"),
        ((), r"diff: error: there is nothing to compare: name OLD and NEW"),
        (("a", "b", "c"), r"diff: error: there is nothing to compare"),
        (("nowhere", "app"), r"nowhere: error: there is no such file or folder"),
        (("new", "--kubeconfig", "nowhere"), r"cluster: error: nowhere cannot be used"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    arguments: tuple[str, ...], said: str, repository: Path, capsysbinary: Any
) -> None:
    answer = ran(capsysbinary, "diff", *arguments)
    assert (answer.code, answer.printed) == (2, "")
    assert re.match(said, answer.said), answer.said


def test_outside_a_repository(two: Path, capsysbinary: Any) -> None:
    answer = ran(capsysbinary, "diff", "--git", "main", "old")
    assert (answer.code, answer.printed) == (2, "")
    assert "this is not in a git repository" in answer.said
