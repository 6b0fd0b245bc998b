"""How the ports of a pod are numbered, and which of them a written port means (R2)."""

from dataclasses import dataclass
from typing import Any

from servicegraph.model.cluster import ContainerPort, ServicePort, Workload
from tests.support.verdict import Port

Numbers = set[Port]


@dataclass(frozen=True)
class Scope:
    """How some workloads number the ports of a pod: those of a whole term, or those that the pod is one of."""

    services: tuple[tuple[ServicePort, int], ...]
    pods: tuple[ContainerPort, ...]
    translated: bool


NOWHERE = Scope((), (), False)


def served(scope: Scope, written: list[Any]) -> Numbers:
    """Ports of a Service, translated; of the pods where there is none."""
    if not scope.translated:
        return pod_ports(scope, written)
    found: Numbers = set()
    for port in written or [None]:
        name, numbers = _read(port)
        if len(numbers) > 1:
            found |= numbers
            continue
        reached = {
            (exposed.protocol, number)
            for exposed, number in scope.services
            if port is None or (name and exposed.name == name) or (exposed.protocol, exposed.port) in numbers
        }
        found |= reached if port is None or len(reached) == 1 else set()
    return found


def pod_ports(scope: Scope, written: list[Any]) -> Numbers:
    """Ports of the pods; a name may be the Service's too."""
    found: Numbers = set()
    for port in written or [None]:
        name, numbers = _read(port)
        reached = {(e.protocol, number) for e, number in scope.services if port is None or e.name == name}
        reached |= {(p.protocol, p.number) for p in scope.pods if port is None or p.name == name}
        found |= numbers or (reached if port is None or len(reached) == 1 else set())
    return found


def _read(port: Any) -> tuple[str | None, Numbers]:
    if port is None:
        return None, set()
    text, _, protocol = str(port).partition("/")
    if not text[0].isdigit():
        return text, set()
    first, _, last = text.partition("-")
    return None, {(protocol or "TCP", number) for number in range(int(first), int(last or first) + 1)}


def differing(members: list[Workload]) -> set[tuple[str | None, str]]:
    named = {(p.name, p.protocol, p.number) for w in members for p in w.ports if p.name}
    return {
        (name, protocol)
        for name, protocol, number in named
        if any((n, p) == (name, protocol) and other != number for n, p, other in named)
    }


def listen(port: Any) -> ContainerPort:
    return ContainerPort(port) if isinstance(port, int) else ContainerPort(port["port"], "TCP", port["name"])


def named(exposed: ServicePort) -> tuple[str | None, str]:
    return exposed.name, exposed.protocol
