"""The command itself: help, version, usage errors, and how quick help is."""

import subprocess
import sys
from typing import Any

import pytest

from servicegraph.cli.main import COMMANDS, main


def test_help_names_every_command_and_ends_well(capsys: Any) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: Any) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: servicegraph {command}" in capsys.readouterr().out


def test_version(capsys: Any) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("servicegraph 0.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rendr"], "No such command 'rendr'"),
        (["render"], "Missing argument 'PATH...'"),
        (["render", "--lnes", "x"], "No such option: --lnes"),
        (["render", "-o", "xml", "x"], "'xml'"),
    ],
)
def test_a_command_line_that_is_wrong_is_refused(arguments: list[str], said: str, capsys: Any) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_the_name_it_is_called_by(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/kubectl-servicegraph", "--help"])
    assert main() == 0
    assert "Usage: kubectl servicegraph" in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from servicegraph.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"kopf", "kubernetes", "aiohttp", "networkx", "jinja2", "rich", "yaml", "msgspec", "pydantic", "asyncio"}
    assert heavy & set(done.stdout.split()) == set()
