"""Completion: what bash, zsh, fish and kubectl are offered. Bash itself is asked, the others by their variables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servicegraph.cli.main import COMMANDS

FORMATS = ["json", "sarif", "text"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder of programs with `servicegraph` in it, as an installation makes it."""
    program = tmp_path / "servicegraph"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m servicegraph.cli.main "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(path: Path, *command: str, **variables: str) -> str:
    environment = {**os.environ, **variables, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [("servicegraph ''", sorted(COMMANDS)), ("servicegraph rend", ["render"]), ("servicegraph lint -o ''", FORMATS)],
)
def test_bash_offers_commands_and_what_an_option_takes(path: Path, words: str, offered: list[str]) -> None:
    script = f"""
        source <(servicegraph completion bash)
        COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _servicegraph_completion servicegraph
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert sorted(run(path, "bash", "-c", script).split()) == offered


def test_zsh_and_fish_are_offered_the_options_of_the_command_that_is_named(path: Path) -> None:
    asked = {"_TYPER_COMPLETE_ARGS": "servicegraph lint --out", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    for shell in ("zsh", "fish"):
        assert "--output" in run(path, "servicegraph", _SERVICEGRAPH_COMPLETE=f"complete_{shell}", **asked)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_with_the_variable_that_is_answered(path: Path, shell: str) -> None:
    assert f"_SERVICEGRAPH_COMPLETE=complete_{shell}" in run(path, "servicegraph", "completion", shell)


def test_kubectl_is_offered_the_same_and_told_to_fall_back_to_files(path: Path) -> None:
    code = "from servicegraph.cli.completion import kubectl; kubectl()"
    assert run(path, sys.executable, "-c", code, "lint", "-o", "").split() == [*FORMATS[2:], *FORMATS[:2], ":0"]
    assert run(path, sys.executable, "-c", code, "render", "").split() == [":0"]
