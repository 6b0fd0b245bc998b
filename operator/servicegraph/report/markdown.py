"""The picture as Markdown for a pull request or a page of documentation: numbers, a diagram, tables."""

from collections import Counter
from collections.abc import Sequence

from servicegraph.report.document import Edge, Node, NodeKind, Origin, Picture, State
from servicegraph.report.flowtable import code, plain
from servicegraph.report.mermaid import excess, mermaid
from servicegraph.report.words import caption


def markdown(picture: Picture) -> str:
    """Headline, diagram where it is not too large to be drawn, and a table of services and of edges."""
    states = Counter(edge.state for edge in picture.edges)
    told = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    parts = [f"### Services: {caption(picture)}\n"]
    parts += [f"Edges: {told}.\n"] if told else []
    parts.append(_diagram(picture))
    services = [node for node in picture.nodes if node.kind is NodeKind.SERVICE]
    titles = ("service", "mode", "isolated for", "declared at")
    parts.append(_table(titles, [_service(node) for node in services]))
    if picture.edges:
        rows = [_edge(edge, picture) for edge in picture.edges]
        parts.append(_table(("from", "to", "ports", "state", "because of", "at"), rows))
    return "\n".join(parts)


def _diagram(picture: Picture) -> str:
    text = mermaid(picture)
    too_large = excess(picture, text)
    return f"No diagram: {too_large}.\n" if too_large else f"```mermaid\n{text}```\n"


def _service(node: Node) -> Sequence[str]:
    return code(node.id), node.mode or "not declared", ", ".join(node.isolated) or "nothing", code(_place(node))


def _edge(edge: Edge, picture: Picture) -> Sequence[str]:
    state = edge.state.value if edge.state is State.ACTIVE else f"**{edge.state}**"
    ports = ", ".join(edge.ports or edge.pod_ports) or "all"
    if edge.origin is not None:
        origin = picture.origins[edge.origin]
        return code(edge.source), code(edge.target), code(ports), state, plain(origin.text), code(_place(origin))
    why = ""
    if edge.policy is not None:
        policy = picture.policies[edge.policy]
        why = f"{edge.rule} of {code(f'{policy.namespace}/{policy.name}')}"
    return code(edge.source), code(edge.target), code(ports), state, why, ""


def _place(found: Node | Origin) -> str:
    return f"{found.file}:{found.line}" if found.line else found.file


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
