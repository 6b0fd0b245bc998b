"""The command `servicegraph`: one module a command, imported when it is called, so that help is quick."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

COMMANDS = {
    "render": "Print the NetworkPolicies that ServiceGraphs mean.",
    "verify": "Prove that policies allow exactly what ServiceGraphs declare, or name the flows.",
    "explain": "May one end talk to another, why, and what would change it?",
    "diff": "What does a change mean in flows: of files, git revisions, a cluster?",
    "impact": "Whom does an attacker inside a service reach, and who reaches it?",
    "report": "Show the graph and the effect of its policies: a page, a picture, Markdown.",
    "lint": "Find what fails on a real cluster, and what opens too much.",
    "init": "Write a first graph from an application's manifests.",
    "learn": "What does observed traffic say of ServiceGraphs?",
    "doctor": "Look at a cluster: is it ready, does anything enforce policies?",
    "operator": "Run the operator against a cluster.",
    "completion": "Print what completes this command in bash, zsh or fish.",
}
"""A command `x` is the function `x` of the module `servicegraph.cli.x`; it raises typer.Exit with its exit code."""

PROGRAM = "servicegraph"
COMPLETING = "_SERVICEGRAPH_COMPLETE"
"""The variable by which a shell asks for completions."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default the process's own, and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, no_args_is_help=True)
    app.callback()(_servicegraph)
    words = import_module("servicegraph.cli.completion").typed(os.environ) if COMPLETING in os.environ else given
    for name, summary in COMMANDS.items():
        if words[:1] == [name]:
            app.command(name)(_load(name))
        else:
            app.command(name, help=summary)(_not_called)
    called_as = Path(sys.argv[0]).name
    try:
        app(given, prog_name=f"kubectl {PROGRAM}" if called_as.startswith("kubectl-") else PROGRAM)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _load(name: str) -> Callable[..., Any]:
    command: Callable[..., Any] = getattr(import_module(f"servicegraph.cli.{name}"), name)
    return command


def _not_called() -> None:
    pass


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"servicegraph {version('servicegraph')}")
        raise typer.Exit


def _servicegraph(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Say who calls whom once; least-privilege NetworkPolicies follow from it."""


if __name__ == "__main__":
    sys.exit(main())
