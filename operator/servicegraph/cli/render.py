"""`servicegraph render`: policies from files, to be committed to git and applied by whoever you like."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, Literal

import typer
from msgspec import structs

from servicegraph.cli import output
from servicegraph.compiler.ignores import reported
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Origin, Policy, Rule
from servicegraph.model.problems import Problem, Severity
from servicegraph.model.profile import STANDARD, ClusterProfile
from servicegraph.report.manifests import commented_yaml, in_order, rendered
from servicegraph.sources import inputs
from servicegraph.sources.errors import InputError
from servicegraph.sources.inputs import Input
from servicegraph.sources.profile import read_profile


class EngineName(StrEnum):
    """What the policies are for, as people type it."""

    NETWORK_POLICY = "networkpolicy"
    CILIUM = "cilium"


_ENGINES: dict[EngineName, Literal["NetworkPolicy", "Cilium"]] = {
    EngineName.NETWORK_POLICY: "NetworkPolicy",
    EngineName.CILIUM: "Cilium",
}


class Format(StrEnum):
    """How the policies are printed."""

    YAML = "yaml"
    JSON = "json"


def render(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders (*.yaml, *.yml, *.json, recursive) or - for standard input."
        ),
    ],
    namespace: Annotated[
        str,
        typer.Option("--namespace", "-n", envvar="SERVICEGRAPH_NAMESPACE", help="For objects that name none."),
    ] = "default",
    profile: Annotated[
        str | None,
        typer.Option(envvar="SERVICEGRAPH_PROFILE", metavar="FILE", help="The ClusterProfile of your cluster."),
    ] = None,
    engine: Annotated[
        EngineName | None, typer.Option(help="What enforces policies in your cluster; by default as the profile says.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings too.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="Name file and line of each entry in the comments.")] = False,
    form: Annotated[Format, typer.Option("--output", "-o", help="yaml or json.")] = Format.YAML,
) -> None:
    """Print the NetworkPolicies of ServiceGraphs in files; no cluster needed.

    Put the Services, workloads and Namespaces beside the graphs, or pipe in what kustomize or helm print:
    kustomize build . | servicegraph render -

    Exit code 0: fine. 1: some entry gives no rule, as stderr says; the rest is printed. 2: the input cannot be
    read, nothing is printed.
    """
    found = inputs.read(paths, namespace)
    errors = list(found.errors)
    chosen = _profile(profile, engine, errors)
    if errors:
        output.refuse(errors)
    compilation = compile_all(found.graphs, found.cluster, chosen)
    problems = output.findings(_reported(compilation, found), found.documents)
    place = _Places(found)
    if form is Format.JSON:
        output.write(_json(compilation, problems, place))
    else:
        output.write(commented_yaml(compilation.policies, place if lines else None))
    output.report(problems)
    for unused in found.profiles if profile is None else ():
        output.hint(unused, f"this ClusterProfile is not used: pass --profile {unused.file}")
    raise typer.Exit(output.exit_code(problems, strict))


def _profile(file: str | None, engine: EngineName | None, errors: list[InputError]) -> ClusterProfile:
    found = STANDARD
    if file is not None:
        try:
            found = read_profile(file)
        except InputError as error:
            errors.append(error)
    if engine is None:
        return found
    return structs.replace(found, engine=structs.replace(found.engine, name=_ENGINES[engine]))


def _reported(compilation: Compilation, found: Input) -> list[Problem]:
    """All problems but those that their graphs ignore."""
    graphs = {graph.key: graph for graph in found.graphs}
    return [p for key, of in groupby(compilation.problems, attrgetter("graph")) for p in reported(of, graphs[key])]


class _Places:
    """Where the entry behind a rule stands."""

    def __init__(self, found: Input) -> None:
        self._documents = found.documents

    def line(self, origin: Origin) -> int:
        """Its line."""
        return self._documents[origin.graph].line(origin.path)

    def file(self, origin: Origin) -> str:
        """Its file."""
        return self._documents[origin.graph].file

    def __call__(self, origin: Origin) -> str:
        return f"{self.file(origin)}:{self.line(origin)}"


def _json(compilation: Compilation, problems: list[output.Finding], place: _Places) -> str:
    counts = {severity: sum(p.severity is severity for p in problems) for severity in Severity}
    return output.envelope(
        "Render",
        [_item(policy, place) for policy in in_order(compilation.policies)],
        problems,
        {
            "policies": len(compilation.policies),
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "infos": counts[Severity.INFO],
        },
    )


def _item(policy: Policy, place: _Places) -> dict[str, Any]:
    """A policy with the entries behind each of its rules, in the order of the manifest's rules."""
    return {
        "manifest": rendered(policy),
        "graph": str(policy.graph),
        "service": str(policy.service) if policy.service else None,
        "mode": policy.mode.value,
        "origins": {"ingress": _origins(policy.ingress, place), "egress": _origins(policy.egress, place)},
    }


def _origins(rules: Iterable[Rule], place: _Places) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "graph": str(origin.graph),
                "path": origin.path,
                "text": origin.text,
                "file": place.file(origin),
                "line": place.line(origin),
            }
            for origin in rule.origins
        ]
        for rule in rules
    ]
