"""What pods a service is: its selector terms, and how each is reached.

The only stage that reads Services, workloads and EndpointSlices for a service. Rules R10, R14 and R19.
"""

from collections import defaultdict

import msgspec

from servicegraph.compiler.inventory import Inventory
from servicegraph.compiler.labels import unenforceable
from servicegraph.compiler.terms import Finding, Term, outside_term, terms_of
from servicegraph.model.cluster import Service
from servicegraph.model.graph import DeclaredService, ServiceTerm, WorkloadTerm
from servicegraph.model.problems import Code, Severity
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector


class Subject(msgspec.Struct, frozen=True, cache_hash=True):
    """A service as pods. With no terms it is unknown, or `external`: addresses or a name outside the cluster.

    `addresses` are those of a Service without selector; `listening` and `refused` are then how it is reached.
    """

    key: ServiceKey
    terms: tuple[Term, ...] = ()
    external: bool = False
    external_name: str | None = None
    addresses: tuple[str, ...] = ()
    reached: Term = Term(Selector())
    findings: tuple[Finding, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything was found behind the name."""
        return bool(self.terms) or self.external


def resolve_subject(
    key: ServiceKey, declared: DeclaredService | None, inventory: Inventory, unseen: frozenset[str]
) -> Subject:
    """The pods of a service: declared by a graph, else the Service or the workloads of that name."""
    findings: list[Finding] = []
    selectors = _selectors(key, declared, inventory, findings)
    terms: list[Term] = []
    for selector in sorted(selectors):
        if problem := _unusable(selector, unseen):
            findings.append(problem)
            continue
        services = sorted(selectors[selector], key=lambda s: s.key)
        listens = declared.listens if declared else ()
        terms += terms_of(key.namespace, selector, services, listens, inventory, unseen, findings)
    current = {(term.selector, term.listening) for term in terms}
    for former in inventory.draining.get(key, ()) if declared is not None else ():
        if (former.selector, former.listening) not in current:
            translated = bool(former.listening.services)
            terms.append(Term(former.selector, former.listening, translated=translated, draining=True))
    if not terms:
        return _external(key, declared, inventory, findings)
    return Subject(key, tuple(terms), findings=tuple(findings))


def _selectors(
    key: ServiceKey, declared: DeclaredService | None, inventory: Inventory, findings: list[Finding]
) -> dict[Selector, set[Service]]:
    """The selectors of a service, each with the Services that translate its ports."""
    selectors: dict[Selector, set[Service]] = defaultdict(set)
    own = inventory.services.get(key)
    translators = {own} if own is not None and own.selector is not None else set()
    selects = declared.selects if declared else ()
    if not selects:
        if own is not None:
            if own.selector is not None:
                selectors[own.selector].add(own)
            return selectors
        for workload in inventory.named(key):
            selectors[workload.selector].update()
        if not selectors and declared:
            findings.append(_nothing(f"no Service and no workload is named {key}", ""))
        return selectors
    for index, source in enumerate(selects):
        path = f".selects[{index}]"
        if isinstance(source, ServiceTerm):
            service = inventory.services.get(ServiceKey(key.namespace, source.name))
            if service is None:
                findings.append(_nothing(f"there is no Service {key.namespace}/{source.name}", path))
            elif service.selector is not None:
                selectors[service.selector].add(service)
        elif isinstance(source, WorkloadTerm):
            found = inventory.workloads.get(source.key)
            if found is None:
                findings.append(_nothing(f"there is no {source.key}", path))
            else:
                selectors[found.selector] |= translators
        else:
            selectors[source.selector] |= translators
    return selectors


def _nothing(what: str, path: str) -> Finding:
    message = f"{what}: nothing is isolated by it until there is; create it, or say with `selects` what it is called"
    return Finding(Code.NO_PODS, Severity.WARNING, message, path)


def _unusable(selector: Selector, unseen: frozenset[str]) -> Finding | None:
    if selector.is_empty:
        return Finding(
            Code.NO_STABLE_LABELS,
            Severity.ERROR,
            "its pods carry only generated labels, which change with every run: add a label of your own to the pod "
            "template",
        )
    return unenforceable(selector, unseen)


def _external(
    key: ServiceKey, declared: DeclaredService | None, inventory: Inventory, findings: list[Finding]
) -> Subject:
    names = (
        [s.name for s in declared.selects if isinstance(s, ServiceTerm)]
        if declared and declared.selects
        else [key.name]
    )
    found = [inventory.services.get(ServiceKey(key.namespace, name)) for name in names]
    outside = [s for s in found if s is not None and s.selector is None]
    if not outside:
        return Subject(key, findings=tuple(findings))
    service = outside[0]
    if declared:
        findings.append(
            Finding(
                Code.EXTERNAL_SERVICE,
                Severity.INFO,
                f"the Service {service.key} has no selector: it stands for hosts outside, there are no pods to isolate",
            )
        )
    addresses = sorted({a for endpoints in inventory.slices(service.key) for a in endpoints.addresses})
    reached = outside_term(service, inventory)
    return Subject(
        key,
        external=True,
        external_name=service.external_name,
        addresses=tuple(addresses),
        reached=reached,
        findings=tuple(findings),
    )
