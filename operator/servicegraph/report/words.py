"""How the report says things, in every form alike."""

from collections import defaultdict

from servicegraph.report.document import Edge, Node, NodeKind, Picture

_LISTED = 3


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 service`, `2 services`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def caption(picture: Picture) -> str:
    """What is in the picture."""
    services = sum(node.kind is NodeKind.SERVICE for node in picture.nodes)
    namespaces = len({node.namespace for node in picture.nodes if node.namespace is not None})
    policies = sum(policy.in_force for policy in picture.policies)
    return (
        f"{count(services, 'service')} in {count(namespaces, 'namespace')}, {count(len(picture.edges), 'edge')}, "
        f"{count(policies, 'policy', 'policies')} in force"
    )


def port_label(edge: Edge) -> str:
    """The ports of an edge as written, else as they are at the pods; the first of many."""
    ports = edge.ports or edge.pod_ports
    return ", ".join(ports[:_LISTED]) + (", ..." if len(ports) > _LISTED else "")


def grouped(picture: Picture) -> tuple[list[tuple[str, list[Node]]], list[Node]]:
    """The nodes of each namespace, and those of none."""
    members: dict[str, list[Node]] = defaultdict(list)
    outside: list[Node] = []
    for node in picture.nodes:
        (members[node.namespace] if node.namespace is not None else outside).append(node)
    return sorted(members.items()), outside
