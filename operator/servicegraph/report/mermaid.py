"""The picture as a Mermaid flowchart. The same picture, the same bytes.

https://mermaid.js.org/syntax/flowchart.html
"""

from collections.abc import Iterator

from servicegraph.report.document import Edge, Node, NodeKind, Picture, State
from servicegraph.report.words import grouped, port_label

MOST_EDGES, MOST_CHARACTERS = 500, 50_000
"""What Mermaid, and with it GitHub, draws at most (its settings maxEdges and maxTextSize)."""

_ARROWS = {
    State.ACTIVE: "-->",
    State.AWAITING_CONSENT: "-.->",
    State.UNRESOLVED: "-.-x",
    State.UNSUPPORTED: "--x",
    State.UNDECLARED: "==>",
}


def mermaid(picture: Picture) -> str:
    """One flowchart. What is not simply active says so beside its arrow."""
    numbers = {node.id: f"n{n}" for n, node in enumerate(picture.nodes)}
    members, outside = grouped(picture)
    lines = ["flowchart LR"]
    for number, (namespace, nodes) in enumerate(members):
        lines.append(f'    subgraph g{number}["{_text(namespace)}"]')
        lines += [f"        {_node(node, numbers)}" for node in nodes]
        lines.append("    end")
    lines += [f"    {_node(node, numbers)}" for node in outside]
    lines += [f"    {numbers[e.source]} {_ARROWS[e.state]}{_label(e)} {numbers[e.target]}" for e in picture.edges]
    lines += _dashed(picture, numbers)
    return "\n".join(lines) + "\n"


def excess(picture: Picture, text: str) -> str | None:
    """Why GitHub will not draw it, where it will not."""
    if len(picture.edges) > MOST_EDGES:
        return f"{len(picture.edges)} edges, and Mermaid draws at most {MOST_EDGES}"
    if len(text) > MOST_CHARACTERS:
        return f"{len(text)} characters, and Mermaid reads at most {MOST_CHARACTERS}"
    return None


def _node(node: Node, numbers: dict[str, str]) -> str:
    opening, closing = ("[", "]") if node.kind in (NodeKind.SERVICE, NodeKind.UNKNOWN) else ("([", "])")
    return f'{numbers[node.id]}{opening}"{_text(node.name)}"{closing}'


def _label(edge: Edge) -> str:
    said = [port_label(edge)] if port_label(edge) else []
    said += [edge.state.value] if edge.state is not State.ACTIVE else []
    return f'|"{_text(": ".join(said))}"|' if said else ""


def _dashed(picture: Picture, numbers: dict[str, str]) -> Iterator[str]:
    """Services whose policies are not in force, or that have none."""
    loose = [n.id for n in picture.nodes if n.kind is NodeKind.SERVICE and n.mode != "Enforce"]
    if loose:
        yield "    classDef loose stroke-dasharray: 4 3"
        yield f"    class {','.join(numbers[node] for node in loose)} loose"


def _text(text: str) -> str:
    """Letters, digits and harmless signs as they are, everything else by its number, which means nothing to Mermaid."""
    return "".join(c if c.isalnum() or c in " -_./:,=" else f"#{ord(c)};" for c in text)
