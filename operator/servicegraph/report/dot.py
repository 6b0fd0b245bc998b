"""The picture in Graphviz' DOT. The same picture, the same bytes.

https://graphviz.org/doc/info/lang.html
"""

from servicegraph.report.document import Edge, Node, NodeKind, Picture, State
from servicegraph.report.words import grouped, port_label

_STYLES = {
    State.ACTIVE: 'color="#5f7285"',
    State.AWAITING_CONSENT: 'color="#8f5b00", style=dashed, arrowhead=odot',
    State.UNRESOLVED: 'color="#b84700", style=dotted, arrowhead=tee',
    State.UNSUPPORTED: 'color="#97396f", style=dashed, arrowhead=vee',
    State.UNDECLARED: 'color="#0067a3", style=bold, arrowhead=diamond',
}


def dot(picture: Picture) -> str:
    """One digraph with a cluster for each namespace."""
    members, outside = grouped(picture)
    lines = [
        "digraph servicegraph {",
        "  rankdir=LR;",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    for number, (namespace, nodes) in enumerate(members):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(namespace)};"]
        lines += [f"    {_node(node)}" for node in nodes]
        lines.append("  }")
    lines += [f"  {_node(node)}" for node in outside]
    lines += [f"  {_edge(edge)}" for edge in picture.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _node(node: Node) -> str:
    attributes = [f"label={_quoted(node.name)}"]
    if node.kind not in (NodeKind.SERVICE, NodeKind.UNKNOWN):
        attributes.append("shape=ellipse")
    elif node.mode != "Enforce":
        attributes.append('style="rounded,dashed"')
    return f"{_quoted(node.id)} [{', '.join(attributes)}];"


def _edge(edge: Edge) -> str:
    label = f"label={_quoted(text)}, " if (text := port_label(edge)) else ""
    return f"{_quoted(edge.source)} -> {_quoted(edge.target)} [{label}{_STYLES[edge.state]}];"


def _quoted(text: str) -> str:
    """A quoted string that means its characters: a backslash would begin an escape."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
