"""The ports of a call as its entry names them: of the callee's Service where there is one, else of the pods."""

from collections.abc import Iterable
from typing import Any

from servicegraph.adopt.parts import Part
from servicegraph.model.cluster import Service, ServicePort
from servicegraph.model.ports import Protocol

PodPort = tuple[int, Protocol]


def written_port(number: int, protocol: str) -> int | str:
    """A port as an author writes it."""
    return number if protocol == "TCP" else f"{number}/{protocol}"


def written_ports(ports: Iterable[PodPort]) -> list[Any]:
    """Ports as an author writes them, in order."""
    return _sorted(written_port(*port) for port in ports)


def through(callee: Part, service: Service, wanted: set[int]) -> list[Any]:
    """The ports of a call on one Service, 0 for all of them; none where they are all that the callee exposes."""
    meant = _meant(service, wanted)
    if service in callee.own:
        if len(meant) == len({port for own in callee.own for port in own.ports}):
            return []
        return _sorted(written_port(port.port, port.protocol) for port in meant)
    listens = [port for workload in callee.workloads for port in workload.ports]
    exposed = {(port.name, port.protocol): port.number for port in listens}
    numbers: set[PodPort] = {(port.target, port.protocol) for port in meant if isinstance(port.target, int)}
    named = {(port.target, port.protocol) for port in meant if isinstance(port.target, str)}
    numbers |= {(exposed[port], port[1]) for port in named & exposed.keys()}
    unknown = sorted(name for name, _ in named - exposed.keys())
    if numbers == {(port.number, port.protocol) for port in listens} and not unknown:
        return []
    return [*written_ports(numbers), *unknown]


def of_service(service: Service, wanted: set[int]) -> list[Any]:
    """The ports of a call on a Service by its own name; none where they are all that it has."""
    meant = _meant(service, wanted)
    return [] if len(meant) == len(service.ports) else written_ports((port.port, port.protocol) for port in meant)


def reached(callee: Part, wanted: set[PodPort]) -> tuple[list[Any] | None, list[Any]]:
    """The ports of calls that were seen to reach pods: those an entry on the service names, and those it cannot.

    Of the first, None where there are none, and nothing where they are all that the callee exposes.
    """
    if callee.is_stranger:
        return None, written_ports(wanted)
    named = {(p.name, p.number, p.protocol) for workload in callee.workloads for p in workload.ports}
    if callee.own:
        exposed: dict[PodPort, set[PodPort]] = {}
        for port in {port for own in callee.own for port in own.ports}:
            numbers = {n for name, n, protocol in named if protocol == port.protocol and name == port.target}
            numbers |= {port.target} if isinstance(port.target, int) else set()
            exposed[port.port, port.protocol] = {(number, port.protocol) for number in numbers}
    else:
        own: set[PodPort] = {(number, protocol) for _, number, protocol in named}
        exposed = {port: {port} for port in own | set(callee.listens)}
    found = {port for port, leads in exposed.items() if leads & wanted}
    past = wanted - {port for ports in exposed.values() for port in ports}
    numbers_of = [] if found == exposed.keys() else written_ports(found)
    return (numbers_of if found else None), written_ports(past)


def _meant(service: Service, wanted: set[int]) -> list[ServicePort]:
    return [port for port in service.ports if not wanted or 0 in wanted or port.port in wanted]


def _sorted(ports: Iterable[Any]) -> list[Any]:
    return sorted(set(ports), key=lambda port: (int(str(port).partition("/")[0]), str(port)))
