"""`servicegraph completion`: what a shell offers while a command line is written; kubectl asks a program of its own."""

import os
import shlex
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

# Typer offers these for the shell that it finds itself in, not for the one that is named; its version is pinned.
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

from servicegraph.cli import main, output

_FILES_ELSE = ":0"
"""What kubectl reads last: where nothing was offered, let the shell offer files (Cobra's ShellCompDirectiveDefault)."""


class Shell(StrEnum):
    """Who asks."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the script that completes `servicegraph` in a shell, for its start-up file.

    bash, and zsh after compinit: source <(servicegraph completion bash). fish: servicegraph completion fish | source.
    """
    output.write(get_completion_script(prog_name=main.PROGRAM, complete_var=main.COMPLETING, shell=shell) + "\n")


def typed(environment: Mapping[str, str]) -> list[str]:
    """The words so far of a command line that is being completed; the scripts hand them over in variables."""
    completion_init()
    return (environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS", "")).split()[1:]


def kubectl() -> None:
    """The program kubectl_complete-servicegraph, which kubectl runs with the words after `kubectl servicegraph`."""
    os.environ[main.COMPLETING] = "complete_fish"
    os.environ["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    os.environ["_TYPER_COMPLETE_ARGS"] = shlex.join([main.PROGRAM, *sys.argv[1:]])
    main.main([])
    typer.echo(_FILES_ELSE)
