"""Where a picture's nodes stand: each namespace laid out by itself, then namespaces and outside parties around it."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from servicegraph.report.document import Edge, Layout, Node, Point
from servicegraph.report.layered import COLUMN_GAP, Drawing, Link, draw
from servicegraph.report.ordering import ROW_GAP, Box
from servicegraph.report.routes import routes

_HEIGHT, _MARGIN, _LETTER, _NARROWEST = 32.0, 30.0, 7.2, 76.0
_SIDE, _TOP, _EDGE = 22.0, 32.0, 16.0
_FLATNESS = 0.7
"""How high a drawing may become, by its width."""


def place(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """The layout of a picture. The same picture gives the same layout."""
    sizes = {node.id: _size(node) for node in nodes}
    home = {node.id: node.namespace for node in nodes if node.namespace is not None}
    inside = _inside(sizes, home, edges)
    outer = {name: size for name, size in sizes.items() if name not in home}
    outer |= {_group(name): _framed(name, drawing) for name, drawing in inside.items()}
    links = [(_outermost(edge.source, home), _outermost(edge.target, home)) for edge in edges]
    whole = draw(outer, links, _room(outer.values()))
    corners = {name: _corner(whole.middles[_group(name)], outer[_group(name)]) for name in inside}
    middles = {name: whole.middles[name] for name in outer if name in sizes}
    for name, drawing in inside.items():
        middles |= {node: _within(corners[name], point) for node, point in drawing.middles.items()}
    frames = {name: _frame(middles[name], size) for name, size in sizes.items()}
    bends = [_bends(edge, link, home, inside, corners, whole) for edge, link in zip(edges, links, strict=True)]
    return Layout(
        width=round(whole.width + 2 * _EDGE, 1),
        height=round(whole.height + 2 * _EDGE, 1),
        nodes=frames,
        namespaces={name: _frame(whole.middles[_group(name)], outer[_group(name)]) for name in inside},
        edges=routes(edges, frames, bends),
    )


def _bends(
    edge: Edge,
    link: Link,
    home: Mapping[str, str],
    inside: Mapping[str, Drawing],
    corners: Mapping[str, Point],
    whole: Drawing,
) -> list[Point]:
    """The points that an edge passes on its way between namespaces, or inside one."""
    if link[0] != link[1]:
        return list(map(_shifted, whole.bends.get(link, ())))
    if edge.source not in home:
        return []
    own = home[edge.source]
    found = inside[own].bends.get((edge.source, edge.target), ())
    return [_shifted(_within(corners[own], point)) for point in found]


def _inside(sizes: Mapping[str, Box], home: Mapping[str, str], edges: Iterable[Edge]) -> dict[str, Drawing]:
    """Each namespace by itself."""
    members: dict[str, dict[str, Box]] = defaultdict(dict)
    for node, namespace in home.items():
        members[namespace][node] = sizes[node]
    links: dict[str, list[Link]] = defaultdict(list)
    for edge in edges:
        namespace = home.get(edge.source, "")
        if namespace and namespace == home.get(edge.target):
            links[namespace].append((edge.source, edge.target))
    return {name: draw(boxes, links[name], _room(boxes.values())) for name, boxes in sorted(members.items())}


def _room(boxes: Iterable[Box]) -> float:
    """The height at which a drawing of these is about as flat as a screen."""
    area = sum((box.width + COLUMN_GAP) * (box.height + ROW_GAP) for box in boxes)
    return max(math.sqrt(area * _FLATNESS), 6 * (_HEIGHT + ROW_GAP))


def _size(node: Node) -> Box:
    return Box(max(_NARROWEST, round(len(node.name) * _LETTER + _MARGIN, 1)), _HEIGHT)


def _group(namespace: str) -> str:
    return f"\0{namespace}"


def _outermost(node: str, home: Mapping[str, str]) -> str:
    return _group(home[node]) if node in home else node


def _framed(name: str, drawing: Drawing) -> Box:
    width = max(drawing.width, len(name) * _LETTER)
    return Box(round(width + 2 * _SIDE, 1), round(drawing.height + 2 * _TOP, 1))


def _corner(middle: Point, box: Box) -> Point:
    return middle[0] - box.width / 2 + _SIDE, middle[1] - box.height / 2 + _TOP


def _within(corner: Point, point: Point) -> Point:
    return corner[0] + point[0], corner[1] + point[1]


def _shifted(point: Point) -> Point:
    return round(point[0] + _EDGE, 1), round(point[1] + _EDGE, 1)


def _frame(middle: Point, box: Box) -> tuple[float, float, float, float]:
    left, top = _shifted((middle[0] - box.width / 2, middle[1] - box.height / 2))
    return left, top, box.width, box.height
