"""One selector term of a service: which pods, and how each of its ports is reached (R2, R8)."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from servicegraph.compiler.inventory import Inventory, pod_labels
from servicegraph.model.cluster import ContainerPort, Listening, Service, ServicePort, Workload
from servicegraph.model.graph import Listen
from servicegraph.model.problems import Code, Severity
from servicegraph.model.selectors import Selector


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A problem of a service, before it is known which graph it is told to. `path` is below the service's."""

    code: Code
    severity: Severity
    message: str
    path: str = ""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A port of a Service that leads nowhere we could allow, and why."""

    port: ServicePort
    code: Code
    message: str


class Term(msgspec.Struct, frozen=True, cache_hash=True):
    """Pods of a service that one selector selects and one numbering of ports reaches.

    `translated` tells whether a Service stands before them (R2). `refines` marks a term inside a wider one of the
    same service that only numbers its ports differently. `draining` terms are former ones (R14). `on_host` terms
    have only pods outside every policy (R8).
    """

    selector: Selector
    listening: Listening = Listening()
    refused: tuple[Refused, ...] = ()
    translated: bool = False
    refines: bool = False
    draining: bool = False
    on_host: bool = False


def terms_of(
    namespace: str,
    selector: Selector,
    services: list[Service],
    listens: tuple[Listen, ...],
    inventory: Inventory,
    unseen: frozenset[str],
    findings: list[Finding],
) -> list[Term]:
    """The terms of one selector: itself, and one inside it for each differing numbering of a named port.

    `services` translate the ports of these pods; labels in `unseen` cannot tell pods apart; what is wrong goes to
    `findings`.
    """
    matched = inventory.matching(namespace, selector)
    on_host = [w for w in matched if w.host_network]
    pods = [w for w in matched if not w.host_network]
    if on_host:
        names = ", ".join(str(w.key) for w in on_host)
        findings.append(
            Finding(
                Code.HOST_NETWORK,
                Severity.ERROR if not pods else Severity.WARNING,
                f"{names} runs in the host's network, which no policy isolates and no pod selector matches: "
                "as a party, write nodes: true",
            )
        )
        if not pods:
            return [Term(selector, on_host=True)]
    diverging = _diverging(pods)
    groups = _separable(selector, pods, diverging, unseen) if diverging else {}
    if diverging and not groups:
        names = ", ".join(sorted(name for name, _ in diverging))
        findings.append(
            Finding(
                Code.NAMED_PORT_DIVERGES,
                Severity.ERROR,
                f"{' and '.join(str(w.key) for w in pods)} number the port {names} differently, and no selector tells "
                "their pods apart: give them different labels or the same number",
            )
        )
    terms = [_term(selector, services, listens, pods, diverging, inventory)]
    for narrow, members in sorted(groups.items()):
        term = _term(narrow, services, listens, members, set(), inventory)
        terms.append(msgspec.structs.replace(term, refines=True))
    return terms


def _diverging(workloads: list[Workload]) -> set[tuple[str, str]]:
    """The named ports that these workloads number differently."""
    numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    for workload in workloads:
        for port in workload.ports:
            if port.name is not None:
                numbers[(port.name, port.protocol)].add(port.number)
    return {name for name, found in numbers.items() if len(found) > 1}


def _separable(
    selector: Selector, workloads: list[Workload], diverging: set[tuple[str, str]], unseen: frozenset[str]
) -> dict[Selector, list[Workload]]:
    """Narrower selectors, one for each workload, if none of them selects pods that are numbered differently (R2)."""

    def numbering(workload: Workload) -> frozenset[ContainerPort]:
        return frozenset(p for p in workload.ports if (p.name or "", p.protocol) in diverging)

    groups: dict[Selector, list[Workload]] = defaultdict(list)
    for workload in workloads:
        groups[selector.both(workload.selector)].append(workload)
    if any(requirement.key in unseen for narrow in groups for requirement in narrow.requirements):
        return {}
    for narrow in groups:
        selected = [w for w in workloads if narrow.matches(pod_labels(w))]
        if len({numbering(w) for w in selected}) > 1:
            return {}
        groups[narrow] = selected
    return groups


def _term(
    selector: Selector,
    services: list[Service],
    listens: tuple[Listen, ...],
    workloads: list[Workload],
    diverging: set[tuple[str, str]],
    inventory: Inventory,
) -> Term:
    pods = {p for w in workloads for p in w.ports if (p.name or "", p.protocol) not in diverging}
    named = {(p.name, p.protocol) for p in pods} | diverging
    for listen in listens:
        if listen.name is None or (listen.name, listen.protocol) not in named:
            pods.add(ContainerPort(listen.number, listen.protocol, listen.name))
    translations: set[tuple[ServicePort, int]] = set()
    refused: list[Refused] = []
    for service in services:
        for port in service.ports:
            number = _target(service, port, pods, diverging, inventory)
            if isinstance(number, Refused):
                refused.append(number)
            else:
                translations.add((port, number))
    listening = Listening(tuple(sorted(translations, key=_by_port)), tuple(sorted(pods, key=by_number)))
    return Term(selector, listening, tuple(refused), translated=bool(services))


def _target(
    service: Service,
    port: ServicePort,
    pods: Iterable[ContainerPort],
    diverging: set[tuple[str, str]],
    inventory: Inventory,
) -> int | Refused:
    """The pod port behind a port of a Service."""
    shown = port.name or str(port.port)
    if isinstance(port.target, int):
        number = port.target
    elif (port.target, port.protocol) in diverging:
        return Refused(port, Code.NAMED_PORT_DIVERGES, f"the pods of {service.key} number {port.target} differently")
    else:
        numbers = {p.number for p in pods if p.name == port.target and p.protocol == port.protocol}
        if not numbers:
            numbers = _from_slices(service, port, inventory)
        if len(numbers) > 1:
            return _several(service, port, numbers)
        if not numbers:
            return Refused(
                port,
                Code.PORT_NOT_FOUND,
                f"port {shown} of the Service {service.key} leads to the pod port {port.target!r}, which no workload "
                "behind it names: name it in the containers' ports, or in the service's `ports`",
            )
        (number,) = numbers
    return _untranslated(service, port, number) or number


def _several(service: Service, port: ServicePort, numbers: set[int]) -> Refused:
    found = " or ".join(map(str, sorted(numbers)))
    return Refused(
        port,
        Code.AMBIGUOUS_PORT,
        f"port {port.name or port.port} of the Service {service.key} could mean pod port {found}: make its "
        "EndpointSlices agree, or write the number as its targetPort",
    )


def _untranslated(service: Service, port: ServicePort, number: int) -> Refused | None:
    """What is wrong where nothing stands between a client and a pod port that is another (R2)."""
    if service.headless and number != port.port:
        return Refused(
            port,
            Code.HEADLESS_PORT_MISMATCH,
            f"the headless Service {service.key} does not translate ports: clients would reach pod port {port.port}, "
            f"its pods listen on {number}; make port and targetPort of {port.name or port.port} agree",
        )
    return None


def _from_slices(service: Service, port: ServicePort, inventory: Inventory) -> set[int]:
    return {
        p.number
        for endpoints in inventory.slices(service.key)
        for p in endpoints.ports
        if (p.name or "") == (port.name or "") and p.protocol == port.protocol
    }


def outside_term(service: Service, inventory: Inventory) -> Term:
    """How a Service without selector is reached: its EndpointSlices number the ports.

    One that stands for a name only answers with that name: its ports are those that are called.
    """
    if service.external_name is not None:
        called = sorted(((port, port.port) for port in service.ports), key=_by_port)
        return Term(Selector(), Listening(tuple(called)), translated=True)
    translations: list[tuple[ServicePort, int]] = []
    refused: list[Refused] = []
    for port in service.ports:
        numbers = _from_slices(service, port, inventory)
        if not numbers and isinstance(port.target, int):
            numbers = {port.target}
        if not numbers:
            message = f"no EndpointSlice of the Service {service.key} numbers its port {port.name or port.port}"
            refused.append(Refused(port, Code.PORT_NOT_FOUND, message))
        elif len(numbers) > 1:
            refused.append(_several(service, port, numbers))
        elif wrong := _untranslated(service, port, min(numbers)):
            refused.append(wrong)
        else:
            translations.append((port, min(numbers)))
    return Term(Selector(), Listening(tuple(sorted(translations, key=_by_port))), tuple(refused), translated=True)


def _by_port(item: tuple[ServicePort, int]) -> tuple[int, str, str, int]:
    port, number = item
    return (port.port, port.protocol, port.name or "", number)


def by_number(port: ContainerPort) -> tuple[int, str, str]:
    """The canonical order of the ports of pods."""
    return (port.number, port.protocol, port.name or "")
