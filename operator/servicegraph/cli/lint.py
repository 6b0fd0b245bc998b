"""`servicegraph lint`: what fails on a real cluster though the policies are right, and what opens too much."""

import json
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import msgspec
import typer

from servicegraph.answers.lint.run import lint as find
from servicegraph.cli import output, reading
from servicegraph.compiler.ignores import reported
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.problems import Severity
from servicegraph.report import sarif
from servicegraph.sources.errors import InputError

HELP_PAGE = "docs/problems.md"
_LEVELS: dict[Severity, sarif.Level] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


class Format(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def lint(
    paths: reading.Paths = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    context: reading.Context = None,
    kubeconfig: reading.Kubeconfig = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for what is good to know too.")] = False,
    form: Annotated[Format, typer.Option("--output", "-o", help="text, json or sarif.")] = Format.TEXT,
) -> None:
    """Find what fails on a real cluster though the policies are right, and what opens more than was meant.

    What depends on the network plugin is told for the one that the ClusterProfile names (engine.plugin), else as good
    to know. docs/problems.md explains each finding; `ignores` in the graph silences it.

    Exit code 0: fine. 1: a warning, or an entry that gives no rule. 2: the input cannot be read, nothing is printed.
    """
    where = reading.Where(namespace, profile, kubeconfig, context)
    files = list(paths or ())
    read = reading.read(where, files)
    if not read.graphs:
        output.refuse([InputError(", ".join(files) or "cluster", "there is no ServiceGraph: name what holds one")])
    whole = (where.names_cluster or not files) and namespace is None and not read.gaps
    compilation = compile_all(read.graphs, read.cluster, read.profile)
    told = find(read.graphs, read.cluster, read.profile, compilation, complete=whole)
    found = output.findings(told, read.documents)
    by_graph = {graph.key: [p for p in compilation.problems if p.graph == graph.key] for graph in read.graphs}
    compiled = [p for graph in read.graphs for p in reported(by_graph[graph.key], graph)]
    problems = output.findings(compiled, read.documents) + output.unlisted(read.gaps)
    match form:
        case Format.TEXT:
            output.write("".join(map(_line, found)))
        case Format.JSON:
            output.write(output.envelope("Lint", msgspec.to_builtins(found), problems, _counts(found)))
        case Format.SARIF:
            output.write(_sarif([*found, *problems]))
    output.report(problems)
    raise typer.Exit(_exit_code(found, problems, strict))


def _line(found: output.Finding) -> str:
    place = output.place(found.file, found.line)
    return f"{place}: {found.severity}: {found.message} [{found.code}]\n"


def _counts(found: list[output.Finding]) -> dict[str, int]:
    return {f"{severity}s": sum(f.severity is severity for f in found) for severity in Severity}


def _exit_code(found: list[output.Finding], problems: list[output.Finding], strict: bool) -> int:
    grave = found if strict else [f for f in found if f.severity is not Severity.INFO]
    return output.FINDINGS if grave else output.exit_code(problems, strict=False)


def _sarif(found: list[output.Finding]) -> str:
    results = [sarif.Finding(f.code, _LEVELS[f.severity], f.message, f.file, f.line) for f in found]
    return json.dumps(sarif.sarif(results, version("servicegraph"), HELP_PAGE), indent=2) + "\n"
