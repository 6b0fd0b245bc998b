"""`servicegraph report`: the graph, what became of it, and what the policies in force let pass, to be looked at."""

import sys
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
import typer

from servicegraph.answers.scene import Scene
from servicegraph.cli import output, reading
from servicegraph.cli.reading import Reading, Where
from servicegraph.cli.scenes import Places, scene_of
from servicegraph.compiler.ignores import reported
from servicegraph.report.document import Layout, NodeKind, Picture, State
from servicegraph.report.gather import gather
from servicegraph.report.placing import place
from servicegraph.report.words import caption
from servicegraph.sources.errors import InputError


class Format(StrEnum):
    """How the report is written."""

    HTML = "html"
    MARKDOWN = "markdown"
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    JSON = "json"


def report(
    paths: reading.Paths = None,
    git: reading.Git = None,
    namespace: reading.Namespace = None,
    profile: reading.Profile = None,
    kubeconfig: reading.Kubeconfig = None,
    context: reading.Context = None,
    form: Annotated[
        Format, typer.Option("--output", "-o", help="html, markdown, mermaid, dot, svg or json.")
    ] = Format.HTML,
) -> None:
    """Show who calls whom, what became of each call, and what the policies in force let pass.

    One HTML file that needs no server and no network: servicegraph report . > report.html. Reads files, a git
    revision of them (--git), a cluster (--context), or files as they would be once applied to a cluster. With none of
    these, the cluster of your current context.

    Exit code 0: reported, problems on stderr. 2: the input cannot be read, nothing is printed.
    """
    if form is Format.HTML and sys.stdout.isatty():
        output.refuse([InputError("report", "a page is for a file: append > report.html, or choose another -o")])
    found = reading.read(Where(namespace, profile, kubeconfig, context), paths or (), git)
    scene, places = scene_of(found), Places(found)
    picture = gather(scene, places.path, places.policy)
    problems = _problems(scene, found)
    output.write(_written(form, picture, problems))
    output.report(problems)


def _problems(scene: Scene, found: Reading) -> list[output.Finding]:
    """What compiling says, less what the graphs ignore, and what a cluster did not tell."""
    told = [problem for graph in found.graphs for problem in reported(scene.problems(graph.key), graph)]
    return output.findings(told, found.documents) + output.unlisted(found.gaps)


def _written(form: Format, picture: Picture, problems: list[output.Finding]) -> str:
    match form:
        case Format.MARKDOWN:
            from servicegraph.report.markdown import markdown

            return markdown(picture)
        case Format.MERMAID:
            from servicegraph.report.mermaid import excess, mermaid

            text = mermaid(picture)
            if too_large := excess(picture, text):
                output.note("report", f"{too_large}: choose -o svg")
            return text
        case Format.DOT:
            from servicegraph.report.dot import dot

            return dot(picture)
        case Format.SVG:
            from servicegraph.report.svg import svg

            return svg(picture, place(picture.nodes, picture.edges))
    document = _document(picture, place(picture.nodes, picture.edges), problems)
    if form is Format.JSON:
        return output.as_json(document)
    from servicegraph.report.page import page

    return page(document, "ServiceGraph report", caption(picture))


def _document(picture: Picture, layout: Layout, problems: list[output.Finding]) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(picture)
    return output.enveloped(
        "Report", built.pop("nodes"), problems, _summary(picture), **built, layout=msgspec.to_builtins(layout)
    )


def _summary(picture: Picture) -> Mapping[str, Any]:
    states = Counter(edge.state for edge in picture.edges)
    with_pods = sum(node.has_pods for node in picture.nodes)
    return {
        "version": version("servicegraph"),
        "services": sum(node.kind is NodeKind.SERVICE for node in picture.nodes),
        "namespaces": len({node.namespace for node in picture.nodes if node.namespace is not None}),
        "policies": sum(policy.in_force for policy in picture.policies),
        "edges": {state.value: states[state] for state in State},
        "pairs": with_pods * (with_pods - 1),
        "allowed": picture.allowed,
    }
