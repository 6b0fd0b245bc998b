"""Names of products, what is asked of the machine, and what an error says."""

import sys
from pathlib import Path

import pytest

from tools.cluster.kind import supply
from tools.cluster.kind.command import KindError, as_file, run
from tools.cluster.kind.debian import NODE, RootFilesystem
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.keys import content_key
from tools.cluster.kind.requirements import missing_packages


def test_a_key_changes_with_the_content_and_the_name_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one").write_text("1")
    before = content_key("text", tmp_path)
    assert content_key("text", tmp_path) == before
    (tmp_path / "folder" / "one").write_text("2")
    changed = content_key("text", tmp_path)
    (tmp_path / "folder" / "one").rename(tmp_path / "folder" / "two")
    assert len({before, changed, content_key("text", tmp_path), content_key("other", tmp_path)}) == 4


def test_a_key_keeps_its_parts_apart() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")


def test_a_key_does_not_change_with_what_python_compiles(tmp_path: Path) -> None:
    before = content_key(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.pyc").touch()
    assert content_key(tmp_path) == before


def test_another_package_makes_another_root_file_system() -> None:
    assert RootFilesystem("node", (*NODE.packages, "vim")).key != NODE.key


def test_the_packages_of_missing_programs_are_named_once() -> None:
    assert missing_packages(lambda program: program not in ("docker", "dockerd", "gcc")) == [
        "docker.io",
        "gcc",
        "libc6-dev",
    ]
    assert missing_packages(lambda program: True) == []


def test_a_failure_says_what_it_was_for_and_the_end_of_what_the_program_said() -> None:
    program = "import sys; [print('line', n) for n in range(100)]; sys.exit('no space left')"
    with pytest.raises(KindError) as failed:
        run([sys.executable, "-c", program], what="making the node image")
    message = str(failed.value)
    assert message.startswith("making the node image failed: python")
    assert "exit status 1" in message
    assert message.endswith("line 99\nno space left")
    assert "line 50" not in message


def test_a_text_can_be_given_to_a_program() -> None:
    with as_file("kind: List\n") as stdin:
        assert run([sys.executable, "-c", "print(input())"], what="echo", stdin=stdin) == "kind: List\n"


def test_the_supply_of_images_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(supply.VARIABLE, "pulled")
    assert supply.pulled()
    monkeypatch.setenv(supply.VARIABLE, "built")
    assert not supply.pulled()
    monkeypatch.setenv(supply.VARIABLE, "cached")
    with pytest.raises(KindError, match="write built or pulled"):
        supply.pulled()


def test_commands_enter_the_network_of_an_engine_of_our_own_only() -> None:
    own = Engine(pid=42, socket=Path("/run/docker.sock"))
    assert own.enter(["kubectl", "get", "pods"])[:2] == ["nsenter", "--net=/proc/42/ns/net"]
    assert own.enter(["kubectl"])[-1] == "kubectl"
    assert Engine(pid=None, socket=None).enter(["kubectl"]) == ["kubectl"]


def test_an_engine_of_our_own_is_not_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert "https_proxy" not in Engine(pid=42, socket=Path("/run/docker.sock")).environment()
    assert Engine(pid=None, socket=None).environment()["https_proxy"] == "http://proxy.example:3128"
