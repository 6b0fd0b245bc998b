"""`servicegraph verify`: do these policies allow exactly what the graphs declare?"""

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import typer

from servicegraph.answers.lint.run import lint
from servicegraph.answers.proof import hold
from servicegraph.cli import output, reading
from servicegraph.cli.reading import Reading, Where
from servicegraph.cli.result import Result, as_findings, as_items, as_text
from servicegraph.compiler.emit.names import MANAGED_BY, MANAGED_BY_LABEL, RENDERED_BY
from servicegraph.compiler.ignores import reported
from servicegraph.compiler.incremental import compile_all
from servicegraph.model.compilation import Compilation
from servicegraph.model.policy import Mode, PolicyKind
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.report import manifests, sarif
from servicegraph.sources.documents import Document
from servicegraph.sources.errors import InputError
from servicegraph.verify.bypass import bypasses
from servicegraph.verify.classes import TangledError
from servicegraph.verify.policies import NetworkPolicy
from servicegraph.verify.reading import read as read_policy
from servicegraph.verify.redundant import redundant

HELP_PAGE = "docs/proof.md"


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def verify(
    paths: reading.Paths = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    context: reading.Context = None,
    kubeconfig: reading.Kubeconfig = None,
    rendered: Annotated[
        bool, typer.Option("--rendered", help="Hold what `render` prints against the graphs, beside others' policies.")
    ] = False,
    form: Annotated[Format, typer.Option("--output", "-o", help="text, json or sarif.")] = Format.TEXT,
) -> None:
    """Prove that NetworkPolicies, whoever wrote them, allow exactly what ServiceGraphs declare, or name the flows.

    Reads both from files (servicegraph render . | servicegraph verify . -), from a cluster (--context), or files as
    they would be once applied to a cluster. docs/proof.md says what is proven, and what is not.

    Exit code 0: exact, but for flows of policies that the graph trusts. 1: flows are missing or too many, or policies
    of other kinds can select these pods. 2: the input cannot be read, or has nothing to compare.
    """
    where = Where(namespace, profile, kubeconfig, context)
    read = reading.read(where, paths or ())
    _check(read, paths or (), has_cluster=where.names_cluster or not paths, rendered=rendered)
    compilation = compile_all(read.graphs, read.cluster, read.profile)
    held = _rendered(compilation, read) if rendered else read.policies
    proof = hold(compilation.declared, held, read.cluster, read.graphs, read.pods)
    problems = _problems(read, compilation, held)
    result = Result.of(proof, read, held, compilation, problems)
    match form:
        case Format.TEXT:
            output.write(as_text(result))
        case Format.JSON:
            output.write(output.envelope("Verify", as_items(result), problems, result.summary))
        case Format.SARIF:
            log = sarif.sarif(as_findings(result), version("servicegraph"), HELP_PAGE)
            output.write(json.dumps(log, indent=2) + "\n")
    output.report(problems + output.unlisted(read.gaps))
    raise typer.Exit(output.FINE if result.proven else output.FINDINGS)


def _check(read: Reading, paths: Sequence[str], *, has_cluster: bool, rendered: bool) -> None:
    """End the command where there is nothing to compare."""
    where = ", ".join(paths) or "cluster"
    if not read.graphs:
        output.refuse(
            [InputError(where, "there are NetworkPolicies and no ServiceGraph that says what they should be")]
        )
    if not (read.policies or has_cluster or rendered):
        message = (
            "there are ServiceGraphs and no NetworkPolicy to hold against them: name what holds some, or a cluster "
            "with --context; --rendered holds what `servicegraph render` prints"
        )
        output.refuse([InputError(where, message)])


def _rendered(compilation: Compilation, read: Reading) -> list[NetworkPolicy]:
    """What `render` prints, services in DryRun as if they were enforced, and the policies of others."""
    dry = {said.service for said in compilation.declared if said.mode is Mode.DRY_RUN}
    printed = [
        read_policy(manifests.rendered(policy))
        for policy in compilation.policies
        if policy.kind is PolicyKind.SERVICE or (policy.mode is Mode.ENFORCE and policy.service not in dry)
    ]
    return printed + [policy for policy in read.policies if not _is_ours(read.manifests[policy.key])]


def _is_ours(document: Document) -> bool:
    metadata = document.data.get("metadata") or {}
    return (metadata.get("labels") or {}).get(MANAGED_BY_LABEL) in (MANAGED_BY, RENDERED_BY)


def _problems(read: Reading, compilation: Compilation, held: Sequence[NetworkPolicy]) -> list[output.Finding]:
    """What compiling, the proof and lint have to say, less what the graphs ignore."""
    told = [*compilation.problems, *_redundant(compilation, read), *_bypasses(compilation, read, held)]
    compiled = [
        problem for graph in read.graphs for problem in reported((p for p in told if p.graph == graph.key), graph)
    ]
    found = lint(read.graphs, read.cluster, read.profile, compilation)
    return output.findings([*compiled, *found], read.documents)


def _bypasses(compilation: Compilation, read: Reading, held: Sequence[NetworkPolicy]) -> Iterator[Problem]:
    trusts = {graph.key: graph.trusts for graph in read.graphs}
    for said, flow, cause in bypasses(compilation.declared, held, {n.name: n.labels for n in read.cluster.namespaces}):
        graph = flow.origin.graph
        if cause.policy.name not in trusts.get(graph, ()):
            message = (
                f"{said.service} may ask DNS for some names only, and {cause} lets it ask for any: limit that rule, or "
                "select other pods with it"
            )
            yield Problem(Code.FQDN_BYPASS, Severity.WARNING, graph, flow.origin.path, message)


def _redundant(compilation: Compilation, read: Reading) -> list[Problem]:
    try:
        found = redundant(compilation.declared, {n.name: n.labels for n in read.cluster.namespaces})
    except TangledError:
        return []
    message = "other entries declare all that this one does: without it nothing changes"
    return [Problem(Code.REDUNDANT_ENTRY, Severity.INFO, o.graph, o.path, f"{o.text}: {message}") for o in found]
