"""Pictures for tests, said shortly."""

from servicegraph.report.document import Edge, Node, NodeKind, Origin, Picture, State


def service(name: str, namespace: str = "shop") -> Node:
    """A service that a graph declares."""
    return Node(f"{namespace}/{name}", NodeKind.SERVICE, name, namespace, graph=f"{namespace}/g", mode="Enforce")


def outside(name: str, way: str = "to") -> Node:
    """Addresses."""
    return Node(f"{way} {name}", NodeKind.CIDR, name)


def edge(source: Node, target: Node, state: State = State.ACTIVE, ports: tuple[str, ...] = ("80",)) -> Edge:
    """An edge of the only entry there is."""
    return Edge(source.id, target.id, state, ports, (), state is State.ACTIVE, 0)


def picture(nodes: list[Node], edges: list[Edge]) -> Picture:
    """A picture with one entry."""
    origin = Origin("shop/g", ".spec.services[0].calls[0]", "a calls b", "x.yaml", 3)
    return Picture(tuple(nodes), tuple(edges), (origin,), (), (), (), len(edges))
