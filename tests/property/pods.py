"""Who is who in a scenario: which service is whose, which pods it is, and how each of their ports is numbered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from servicegraph.model.cluster import ContainerPort, DrainingTerm, Service, ServicePort, Workload
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from tests.property.numbering import Scope, differing, listen, named
from tests.property.scenarios import Raw, Scenario
from tests.support.verdict import Pod

BOTH = ["Ingress", "Egress"]


@dataclass(frozen=True)
class Declared:
    """A service as its graph declares it, settings and defaults filled in."""

    key: ServiceKey
    mode: str
    directions: Sequence[str]
    dns: str
    raw: Raw
    accepts: Sequence[Raw]


@dataclass(frozen=True)
class Term:
    """Pods of a service, with the Services that translate their ports, or how they once were reached."""

    selector: Selector
    services: tuple[Service, ...] = ()
    listens: tuple[ContainerPort, ...] = ()
    former: DrainingTerm | None = None


class Pods:
    """The pods of every service."""

    def __init__(self, scenario: Scenario) -> None:
        self.cluster = scenario.cluster
        self.services = {s.key: s for s in self.cluster.services}
        self.declared = dict(self._owners(scenario.graphs))
        self._known_terms: dict[ServiceKey, list[Term]] = {}
        self._known_scopes: dict[tuple[ServiceKey, Pod], list[Scope]] = {}

    def _owners(self, graphs: Sequence[Raw]) -> Iterator[tuple[ServiceKey, Declared]]:
        incumbents = dict(self.cluster.incumbents)
        claims: dict[ServiceKey, dict[str, tuple[Raw, Raw]]] = {}
        for graph in graphs:
            for service in graph["spec"]["services"]:
                key = ServiceKey(graph["metadata"]["namespace"], service["name"])
                claims.setdefault(key, {})[graph["metadata"]["name"]] = (graph["spec"], service)
        for key, claimed in claims.items():
            incumbent = incumbents.get(key)
            owner = incumbent.name if incumbent and incumbent.name in claimed else min(claimed)
            spec, service = claimed[owner]
            settings = {"mode": "Enforce", "directions": BOTH, "dns": "WhenCalling", **spec, **service}
            accepts = [*service["accepts"], *spec["defaults"]["accepts"]]
            yield key, Declared(key, settings["mode"], settings["directions"], settings["dns"], service, accepts)

    def is_of(self, pod: Pod, key: ServiceKey) -> bool:
        return pod.namespace == key.namespace and any(t.selector.matches(pod.labels) for t in self.terms(key))

    def terms(self, key: ServiceKey) -> list[Term]:
        if key not in self._known_terms:
            self._known_terms[key] = self._find_terms(key)
        return self._known_terms[key]

    def _find_terms(self, key: ServiceKey) -> list[Term]:
        declared = self.declared.get(key)
        selects = declared.raw["selects"] if declared else []
        own = self.services.get(key)
        translators = {own} if own and own.selector else set()
        found: dict[Selector, set[Service]] = {}
        for term in selects or [{"service": key.name}]:
            if "service" in term:
                service = self.services.get(ServiceKey(key.namespace, term["service"]))
                if service and service.selector:
                    found.setdefault(service.selector, set()).add(service)
                elif not service and not selects:
                    for made in self.cluster.workloads:
                        if (made.key.namespace, made.key.name) == key:
                            found.setdefault(made.selector, set())
            elif "workload" in term:
                for made in self.cluster.workloads:
                    if (made.key.namespace, made.key.name) == (key.namespace, term["workload"]["name"]):
                        found.setdefault(made.selector, set()).update(translators)
            else:
                found.setdefault(Selector.from_labels(term["labels"]), set()).update(translators)
        listens = tuple(listen(port) for port in declared.raw["ports"]) if declared else ()
        terms = [Term(selector, tuple(services), listens) for selector, services in found.items()]
        former = [d for d in self.cluster.draining if d.service == key and declared]
        return terms + [Term(d.selector, former=d) for d in former]

    def scopes(self, key: ServiceKey, pod: Pod) -> list[Scope]:
        """Every numbering of ports by which a service reaches a pod."""
        if (key, pod) not in self._known_scopes:
            self._known_scopes[key, pod] = list(self._find_scopes(key, pod))
        return self._known_scopes[key, pod]

    def _find_scopes(self, key: ServiceKey, pod: Pod) -> Iterator[Scope]:
        if pod.namespace != key.namespace:
            return
        for term in self.terms(key):
            if not term.selector.matches(pod.labels):
                continue
            if term.former is not None:
                listening = term.former.listening
                yield Scope(listening.services, listening.pods, bool(listening.services))
                continue
            members = self._workloads(key.namespace, term.selector)
            apart = differing(members)
            yield self._scope(term, members, apart)
            own = [w for w in members if w.selector.matches(pod.labels)]
            if apart and own:
                yield self._scope(term, own, set())

    def _scope(self, term: Term, members: list[Workload], apart: set[tuple[str | None, str]]) -> Scope:
        pods = {p for w in members for p in w.ports if (p.name, p.protocol) not in apart}
        known = {(p.name, p.protocol) for p in pods} | apart
        pods |= {p for p in term.listens if p.name is None or (p.name, p.protocol) not in known}
        services = []
        for service in term.services:
            for exposed in service.ports:
                numbers = {exposed.target} if isinstance(exposed.target, int) else set()
                if not numbers and (exposed.target, exposed.protocol) not in apart:
                    numbers = {p.number for p in pods if (p.name, p.protocol) == (exposed.target, exposed.protocol)}
                    numbers = numbers or self._sliced(service, exposed)
                if len(numbers) == 1 and not (service.headless and numbers != {exposed.port}):
                    services.append((exposed, numbers.pop()))
        return Scope(tuple(services), tuple(pods), bool(term.services))

    def _sliced(self, service: Service, exposed: ServicePort) -> set[int]:
        slices = [s for s in self.cluster.endpoint_slices if (s.namespace, s.service) == service.key]
        return {p.number for s in slices for p in s.ports if (p.name, p.protocol) == named(exposed)}

    def _workloads(self, namespace: str, selector: Selector) -> list[Workload]:
        found = [w for w in self.cluster.workloads if w.key.namespace == namespace]
        return [w for w in found if selector.matches(w.template_labels or {})]
