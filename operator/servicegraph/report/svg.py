"""The picture as SVG: the layout of the page, light or dark as the reader prefers. The same picture, the same bytes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from servicegraph.report.document import Edge, Layout, Node, NodeKind, Picture, Point, State
from servicegraph.report.words import caption, port_label

_LEGEND = 34
_STYLE = """
  svg { --back: #ffffff; --text: #1c2733; --soft: #5a6b7c; --line: #5f7285; --box: #ffffff; --group: #f2f5f8;
    --border: #c3ced9; --party: #e6f1f8; --awaiting: #9a6200; --unresolved: #b84700; --unsupported: #97396f;
    --undeclared: #0067a3; font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --back: #12161b; --text: #e3e9ef; --soft: #9fb0c0; --line: #8ea2b5;
    --box: #1f262e; --group: #181e25; --border: #3a4653; --party: #17303f; --awaiting: #f0b13c; --unresolved: #ff8a4c;
    --unsupported: #e59ac6; --undeclared: #6cc1f5; } }
  .back { fill: var(--back); } text { fill: var(--text); }
  .group { fill: var(--group); stroke: var(--border); } .title { fill: var(--soft); font-weight: 600; }
  .node { fill: var(--box); stroke: var(--soft); stroke-width: 1.2; } .party { fill: var(--party); }
  .DryRun, .pods { stroke-dasharray: 6 3; } .Off, .undeclared, .unknown { stroke-dasharray: 2 3; }
  .name { text-anchor: middle; dominant-baseline: central; }
  .ports { text-anchor: middle; dominant-baseline: central; font-size: 10px; fill: var(--soft);
    stroke: var(--back); stroke-width: 4px; paint-order: stroke; }
  .edge { fill: none; stroke-width: 1.4; } .Active { stroke: var(--line); }
  .AwaitingConsent { stroke: var(--awaiting); stroke-dasharray: 8 4; }
  .Unresolved { stroke: var(--unresolved); stroke-dasharray: 2 3; }
  .Unsupported { stroke: var(--unsupported); stroke-dasharray: 10 3 2 3; }
  .Undeclared { stroke: var(--undeclared); stroke-width: 2.6; }
  marker path { stroke: none; fill: context-stroke; }
"""


def svg(picture: Picture, layout: Layout) -> str:
    """One SVG document."""
    used = [state for state in State if any(edge.state is state for edge in picture.edges)]
    width, height = max(layout.width, 150.0 * len(used) + 32), layout.height + _LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label={quoteattr(caption(picture))}>',
        f"<style>{_STYLE}</style>",
        "<defs>",
        '<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 10 5 0 10z"/></marker>',
        "</defs>",
        f'<rect class="back" width="{width:g}" height="{height:g}"/>',
        *_groups(layout),
        *_edges(picture.edges, layout),
        *(_node(node, layout) for node in picture.nodes),
        *_legend(used, layout.height),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _groups(layout: Layout) -> Iterator[str]:
    for name, (left, top, width, height) in layout.namespaces.items():
        yield f'<rect class="group" x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="8"/>'
        yield f'<text class="title" x="{left + 14:g}" y="{top + 21:g}">{escape(name)}</text>'


def _edges(edges: Iterable[Edge], layout: Layout) -> Iterator[str]:
    labels = []
    for edge, points in zip(edges, layout.edges, strict=True):
        title = f"<title>{escape(f'{edge.source} to {edge.target}: {edge.state}')}</title>"
        yield f'<path class="edge {edge.state}" marker-end="url(#arrow)" d="{_path(points)}">{title}</path>'
        if text := port_label(edge):
            x, y = middle(points)
            labels.append(f'<text class="ports" x="{x:g}" y="{y:g}">{escape(text)}</text>')
    yield from labels


def _path(points: Sequence[Point]) -> str:
    """Quadratic curves, each to the point half-way to the next control point, the last to the end."""
    (x, y), *controls, end = points
    parts = [f"M{x:g} {y:g}"]
    for (ax, ay), (bx, by) in pairwise(controls):
        parts.append(f"Q{ax:g} {ay:g} {round((ax + bx) / 2, 1):g} {round((ay + by) / 2, 1):g}")
    parts.append(f"Q{controls[-1][0]:g} {controls[-1][1]:g} {end[0]:g} {end[1]:g}")
    return "".join(parts)


def middle(points: Sequence[Point]) -> Point:
    """A point of the curve, about half-way."""
    controls = points[1:-1]
    (ax, ay), (bx, by) = controls[len(controls) // 2 - 1 : len(controls) // 2 + 1]
    return round((ax + bx) / 2, 1), round((ay + by) / 2, 1)


def _node(node: Node, layout: Layout) -> str:
    left, top, width, height = layout.nodes[node.id]
    shape = f'x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"'
    inside = node.kind in (NodeKind.SERVICE, NodeKind.UNKNOWN)
    classes = ["node"] if inside else ["node", "party"]
    classes += [node.kind.value] if node.kind in (NodeKind.PODS, NodeKind.UNKNOWN) else []
    if node.kind is NodeKind.SERVICE and node.mode != "Enforce":
        classes.append(node.mode or "undeclared")
    return (
        f'<g><title>{escape(node.id)}</title><rect class="{" ".join(classes)}" {shape} rx="{6 if inside else 16}"/>'
        f'<text class="name" x="{left + width / 2:g}" y="{top + height / 2:g}">{escape(node.name)}</text></g>'
    )


def _legend(states: Iterable[State], top: float) -> Iterator[str]:
    for number, state in enumerate(states):
        left, y = 16 + 150 * number, top + _LEGEND / 2 - 4
        yield f'<path class="edge {state}" marker-end="url(#arrow)" d="M{left} {y:g}h36"/>'
        yield f'<text x="{left + 44}" y="{y + 4:g}">{state}</text>'
