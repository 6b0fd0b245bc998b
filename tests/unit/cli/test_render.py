"""`servicegraph render` as its users meet it; what it refuses stands in tests/unit/bad_input."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.sources.profile import read_profile
from tests.unit.bad_input.command import run
from tests.unit.cli.schema import violations

ROOT = Path(__file__).parents[3]
SHOP, BANK = ROOT / "examples" / "shop", ROOT / "examples" / "bank"
PROFILE = str(BANK / "profile.yaml")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "render.schema.json").read_text())
COMMAND = [sys.executable, "-m", "servicegraph.cli.main", "render"]


@pytest.mark.parametrize(
    "arguments",
    [(str(SHOP),), (str(BANK), "--profile", PROFILE), (str(ROOT / "tests" / "golden" / "profile-missing"),)],
    ids=["shop", "bank", "problems"],
)
def test_json_is_as_the_schema_says_and_the_same_as_the_yaml(arguments: tuple[str, ...], capsysbinary: Any) -> None:
    whole = json.loads(run(capsysbinary, *arguments, "-o", "json").printed)
    assert violations(whole, SCHEMA) == []
    applied = [item["manifest"] for item in whole["items"] if item["mode"] == "Enforce"]
    assert applied == list(yaml.safe_load_all(run(capsysbinary, *arguments).printed))
    for item in whole["items"]:
        spec, origins = item["manifest"]["spec"], item["origins"]
        assert [len(spec[side]) for side in origins] == [len(rules) for rules in origins.values()]


def test_json_counts_and_places_problems(capsysbinary: Any) -> None:
    folder = ROOT / "tests" / "golden" / "ports-not-found"
    ran = run(capsysbinary, str(folder), "-o", "json")
    whole = json.loads(ran.printed)
    assert ran.code == 1
    assert whole["summary"] == {"policies": 2, "errors": 3, "warnings": 0, "infos": 1}
    first = next(problem for problem in whole["problems"] if problem["code"] == "PortNotFound")
    assert (first["file"], first["line"], first["path"]) == (
        str(folder / "input.yaml"),
        9,
        ".spec.services[0].calls[0]",
    )


def test_manifests_of_others_command_no_terminal(capsysbinary: Any, tmp_path: Path) -> None:
    """The API server would refuse such a name; a manifest in a pull request has been nowhere yet."""
    text = (ROOT / "tests" / "golden" / "ports-not-found" / "input.yaml").read_text()
    (tmp_path / "input.yaml").write_text(text.replace("name: http,", '"name": "\\e[31m",'))
    ran = run(capsysbinary, str(tmp_path))
    assert "\\x1b[31m (8080)" in ran.said
    assert "\x1b" not in ran.said


def test_lines_name_the_entry_in_its_file(capsysbinary: Any) -> None:
    plain, placed = run(capsysbinary, str(SHOP)).printed, run(capsysbinary, str(SHOP), "--lines").printed
    graph = (SHOP / "servicegraph.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(graph, 1) if "{service: database}" in text)
    assert f"# shop/shop: search calls database ({SHOP / 'servicegraph.yaml'}:{line})\n" in placed
    assert list(yaml.safe_load_all(placed)) == list(yaml.safe_load_all(plain))


def test_a_missing_namespace_is_the_option_then_the_variable_then_default(
    capsysbinary: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("app.yaml", "servicegraph.yaml"):
        text = (SHOP / name).read_text().replace(", namespace: shop", "").replace("  namespace: shop\n", "")
        (tmp_path / name).write_text(text)

    def namespaces(*arguments: str) -> set[str]:
        documents = yaml.safe_load_all(run(capsysbinary, str(tmp_path), *arguments).printed)
        return {document["metadata"]["namespace"] for document in documents}

    assert namespaces() == {"default"}
    monkeypatch.setenv("SERVICEGRAPH_NAMESPACE", "fromvariable")
    assert namespaces() == {"fromvariable"}
    assert namespaces("-n", "fromoption") == {"fromoption"}


def test_one_stream_on_standard_input_gives_the_same(capsysbinary: Any) -> None:
    stream = "---\n".join((SHOP / name).read_text() for name in ("servicegraph.yaml", "app.yaml"))
    done = subprocess.run([*COMMAND, "-"], input=stream, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == run(capsysbinary, str(SHOP)).printed


def test_the_profile_may_come_from_a_variable(capsysbinary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = run(capsysbinary, str(BANK), "--profile", PROFILE)
    monkeypatch.setenv("SERVICEGRAPH_PROFILE", PROFILE)
    assert run(capsysbinary, str(BANK)) == given
    assert read_profile(PROFILE).parties[0].name == "prometheus"


def test_a_profile_among_the_input_is_used_only_when_it_is_asked_for(capsysbinary: Any) -> None:
    hint = f"{PROFILE}:2: info: this ClusterProfile is not used: pass --profile {PROFILE}\n"
    assert hint in run(capsysbinary, str(BANK)).said
    assert run(capsysbinary, str(BANK), "--profile", PROFILE).said == ""


def test_colours_are_for_terminals_only() -> None:
    assert b"\033[" not in on_terminal(NO_COLOR="1")
    assert b"\033[1;36minfo\033[0m" in on_terminal()


def on_terminal(**environment: str) -> bytes:
    """What it says when standard error is a terminal."""
    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    subprocess.run(
        [*COMMAND, str(SHOP)], stdout=subprocess.DEVNULL, stderr=theirs, timeout=60, check=True, env=clean | environment
    )
    os.close(theirs)
    said = os.read(ours, 100_000)
    os.close(ours)
    return said


def test_ctrl_c_ends_it_without_a_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen([*COMMAND, str(tmp_path / "pipe")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with (tmp_path / "pipe").open("w"):
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed, said) == (130, b"", b"")


def test_its_own_output_beside_the_graph_changes_nothing(capsysbinary: Any, tmp_path: Path) -> None:
    shutil.copytree(SHOP, tmp_path, dirs_exist_ok=True)
    first = run(capsysbinary, str(tmp_path)).printed
    (tmp_path / "again.yaml").write_text(first)
    assert run(capsysbinary, str(tmp_path)).printed == first
