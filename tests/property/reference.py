"""What the graphs of a scenario declare, read straight from the rules: pod by pod, entry by entry, slow and simple.

It shares no code with the compiler but the vocabulary of the cluster. Pods of one service that number a named port
differently are told apart by the selectors of their workloads (R2), which tame clusters always allow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from servicegraph.model.cluster import ContainerPort, DrainingTerm, Service, ServicePort, Workload
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector
from tests.property.clusters import DNS_KEY, PROFILE
from tests.property.scenarios import Raw, Scenario
from tests.support.verdict import Address, End, Pod, Port

Numbers = set[Port]
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


@dataclass(frozen=True)
class Scope:
    """How some workloads number the ports of a pod: those of a whole term, or those that the pod is one of."""

    services: tuple[tuple[ServicePort, int], ...]
    pods: tuple[ContainerPort, ...]
    translated: bool


class Reference:
    """The declared flows of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.cluster = scenario.cluster
        self.services = {s.key: s for s in self.cluster.services}
        self.namespaces = {n.name: n.labels for n in self.cluster.namespaces}
        self.declared = dict(self._owners(scenario.graphs))
        self._known_terms: dict[ServiceKey, list[Term]] = {}
        self._known_scopes: dict[tuple[ServiceKey, Pod], list[Scope]] = {}
        self.denied = {
            (graph["metadata"]["namespace"], direction)
            for graph in scenario.graphs
            if graph["spec"].get("isolation") == "Namespace" and graph["spec"].get("mode", "Enforce") == "Enforce"
            for direction in graph["spec"].get("directions", BOTH)
        }

    # Who is isolated

    def allows(self, pod: Pod, direction: str, peer: End, port: Port) -> bool:
        """Whether the graphs let a pod have this in one direction."""
        mine = [d for d in self.declared.values() if self._is(pod, d.key)]
        enforcing = [d for d in mine if d.mode == "Enforce" and direction in d.directions]
        denied = (pod.namespace, direction) in self.denied
        if not enforcing and not denied:
            return True
        if denied and len(enforcing) < len(mine):
            return True
        half = self._egress if direction == "Egress" else self._ingress
        return any(half(d, pod, peer, port) for d in enforcing)

    # What is declared

    def _egress(self, caller: Declared, pod: Pod, peer: End, port: Port) -> bool:
        calls = caller.raw["calls"]
        asks = caller.dns == "Always" or (caller.dns == "WhenCalling" and bool(calls))
        return (asks and self._dns(peer, port)) or any(self._calls(caller, call, peer, port) for call in calls)

    def _calls(self, caller: Declared, call: Raw, peer: End, port: Port) -> bool:
        written = call.get("ports", [])
        if "service" in call:
            callee = _key(call, caller.key.namespace)
            if isinstance(peer, Address):
                return self._outside(caller, callee, written, peer, port)
            return any(port in _served(scope, written) for scope in self._scopes(callee, peer))
        if "kubeAPIServer" in call:
            api = PROFILE.api_server
            chosen = _pod_ports(NOWHERE, written) if written else {("TCP", api.port or 0)}
            return isinstance(peer, Address) and peer.ip in api.addresses and port in chosen
        if "fqdn" in call or not self._matches(call, caller.key.namespace, peer):
            return False
        return port in _pod_ports(self._seen(call, caller.key.namespace), written)

    def _ingress(self, callee: Declared, pod: Pod, peer: End, port: Port) -> bool:
        scopes = self._scopes(callee.key, pod)
        for caller in self.declared.values():
            for call in caller.raw["calls"]:
                if "service" not in call or _key(call, caller.key.namespace) != callee.key:
                    continue
                if isinstance(peer, Pod) and self._is(peer, caller.key):
                    for scope in scopes:
                        granted = _served(scope, call.get("ports", []))
                        if caller.key.namespace != callee.key.namespace:
                            granted &= self._consent(caller, callee, scope)
                        if port in granted:
                            return True
        return any(self._accepts(callee, accept, scopes, peer, port) for accept in callee.accepts)

    def _accepts(self, callee: Declared, accept: Raw, scopes: list[Scope], peer: End, port: Port) -> bool:
        written = accept.get("ports", [])
        if "service" in accept:
            caller = _key(accept, callee.key.namespace)
            if caller in self.declared or not isinstance(peer, Pod) or not self._is(peer, caller):
                return False
            return any(port in _served(scope, written) for scope in scopes)
        if "kubeAPIServer" in accept:
            matches = isinstance(peer, Address) and _inside(peer, PROFILE.api_server.webhook_sources)
        else:
            matches = "anywhere" in accept or self._matches(accept, callee.key.namespace, peer)
        return matches and any(port in _pod_ports(scope, written) for scope in scopes)

    def _consent(self, caller: Declared, callee: Declared, scope: Scope) -> Numbers:
        found: Numbers = set()
        for accept in callee.accepts:
            if "anywhere" in accept:
                found |= _pod_ports(scope, accept["ports"])
            elif "service" in accept and _key(accept, callee.key.namespace) == caller.key:
                found |= _served(scope, accept.get("ports", []))
        return found

    def _dns(self, peer: End, port: Port) -> bool:
        if isinstance(peer, Address):
            return peer.ip in PROFILE.dns.addresses and port in {("UDP", 53), ("TCP", 53)}
        if DNS_KEY in self.services:
            ports = ["53/UDP", "53/TCP"]
            return any(port in _served(scope, ports) for scope in self._scopes(DNS_KEY, peer))
        described = peer.namespace == DNS_KEY.namespace and peer.labels.get("k8s-app") == "kube-dns"
        return described and port in {("UDP", 53), ("TCP", 53)}

    # Who is who

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

    def _is(self, pod: Pod, key: ServiceKey) -> bool:
        return pod.namespace == key.namespace and any(t.selector.matches(pod.labels) for t in self._terms(key))

    def _terms(self, key: ServiceKey) -> list[Term]:
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
        listens = tuple(_listen(port) for port in declared.raw["ports"]) if declared else ()
        terms = [Term(selector, tuple(services), listens) for selector, services in found.items()]
        former = [d for d in self.cluster.draining if d.service == key and declared]
        return terms + [Term(d.selector, former=d) for d in former]

    def _matches(self, entry: Raw, namespace: str, peer: End) -> bool:
        if entry.get("party") == "proxy":
            return isinstance(peer, Address) and _inside(peer, ["10.30.0.0/24"])
        if entry.get("party") == "nobody":
            return False
        if isinstance(peer, Address):
            ranges = PROFILE.ranges
            if "cidr" in entry:
                return _inside(peer, [entry["cidr"]]) and not _inside(peer, entry.get("except", []))
            if "internet" in entry:
                local = (*ranges.pods, *ranges.services, *ranges.nodes, "169.254.0.0/16")
                return not _inside(peer, local)
            return "nodes" in entry and _inside(peer, ranges.nodes)
        pods = _pods_of(entry)
        return pods is not None and self._pods(pods, namespace, peer.namespace, peer.labels)

    def _pods(self, pods: Raw, namespace: str, in_namespace: str, labels: Any) -> bool:
        if "namespaceSelector" in pods:
            wanted = pods["namespaceSelector"].get("matchLabels", {})
            if not wanted.items() <= self.namespaces.get(in_namespace, {}).items():
                return False
        elif in_namespace != pods.get("namespace", namespace):
            return False
        wanted = pods.get("labels") or pods["podSelector"]["matchLabels"]
        return bool(wanted.items() <= dict(labels).items())

    def _outside(self, caller: Declared, callee: ServiceKey, written: list[Any], peer: Address, port: Port) -> bool:
        """A Service without selector, of one's own namespace: its EndpointSlices tell addresses and ports."""
        declared = self.declared.get(callee)
        names = [t["service"] for t in declared.raw["selects"] if "service" in t] if declared else []
        if declared and not declared.raw["selects"]:
            names = [callee.name]
        found = [self.services.get(ServiceKey(callee.namespace, n)) for n in (names if declared else [callee.name])]
        without = [s for s in found if s and s.selector is None]
        if callee.namespace != caller.key.namespace or self._terms(callee) or not without:
            return False
        if without[0].external_name is not None:
            return False
        service = without[0]
        slices = [s for s in self.cluster.endpoint_slices if (s.namespace, s.service) == service.key]
        local = (*PROFILE.ranges.pods, *PROFILE.ranges.services, *PROFILE.ranges.nodes, "169.254.0.0/16")
        if _inside(peer, local) or not any(peer.ip in s.addresses for s in slices):
            return False
        translations = []
        for exposed in service.ports:
            numbers = {p.number for s in slices for p in s.ports if (p.name, p.protocol) == _named(exposed)}
            if not numbers and isinstance(exposed.target, int):
                numbers = {exposed.target}
            if len(numbers) == 1 and not (service.headless and numbers != {exposed.port}):
                translations.append((exposed, numbers.pop()))
        return port in _served(Scope(tuple(translations), (), True), written)

    # How ports are numbered

    def _scopes(self, key: ServiceKey, pod: Pod) -> list[Scope]:
        """Every numbering of ports by which a service reaches a pod."""
        if (key, pod) not in self._known_scopes:
            self._known_scopes[key, pod] = list(self._find_scopes(key, pod))
        return self._known_scopes[key, pod]

    def _find_scopes(self, key: ServiceKey, pod: Pod) -> Iterator[Scope]:
        if pod.namespace != key.namespace:
            return
        for term in self._terms(key):
            if not term.selector.matches(pod.labels):
                continue
            if term.former is not None:
                listening = term.former.listening
                yield Scope(listening.services, listening.pods, bool(listening.services))
                continue
            members = self._workloads(key.namespace, term.selector)
            differing = _differing(members)
            yield self._scope(term, members, differing)
            own = [w for w in members if w.selector.matches(pod.labels)]
            if differing and own:
                yield self._scope(term, own, set())

    def _scope(self, term: Term, members: list[Workload], differing: set[tuple[str | None, str]]) -> Scope:
        pods = {p for w in members for p in w.ports if (p.name, p.protocol) not in differing}
        known = {(p.name, p.protocol) for p in pods} | differing
        pods |= {p for p in term.listens if p.name is None or (p.name, p.protocol) not in known}
        services = []
        for service in term.services:
            for exposed in service.ports:
                numbers = {exposed.target} if isinstance(exposed.target, int) else set()
                if not numbers and (exposed.target, exposed.protocol) not in differing:
                    numbers = {p.number for p in pods if (p.name, p.protocol) == (exposed.target, exposed.protocol)}
                    numbers = numbers or self._sliced(service, exposed)
                if len(numbers) == 1 and not (service.headless and numbers != {exposed.port}):
                    services.append((exposed, numbers.pop()))
        return Scope(tuple(services), tuple(pods), bool(term.services))

    def _sliced(self, service: Service, exposed: ServicePort) -> set[int]:
        slices = [s for s in self.cluster.endpoint_slices if (s.namespace, s.service) == service.key]
        return {p.number for s in slices for p in s.ports if (p.name, p.protocol) == _named(exposed)}

    def _workloads(self, namespace: str, selector: Selector) -> list[Workload]:
        found = [w for w in self.cluster.workloads if w.key.namespace == namespace]
        return [w for w in found if selector.matches(w.template_labels or {})]

    def _seen(self, entry: Raw, namespace: str) -> Scope:
        """The ports of all pods that an entry names by label."""
        pods = _pods_of(entry)
        found = [
            port
            for w in self.cluster.workloads
            if pods is not None and self._pods(pods, namespace, w.key.namespace, w.template_labels)
            for port in w.ports
        ]
        return Scope((), tuple(set(found)), False)


NOWHERE = Scope((), (), False)


def _served(scope: Scope, written: list[Any]) -> Numbers:
    """Ports of a Service, translated; of the pods where there is none."""
    if not scope.translated:
        return _pod_ports(scope, written)
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


def _pod_ports(scope: Scope, written: list[Any]) -> Numbers:
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


def _differing(members: list[Workload]) -> set[tuple[str | None, str]]:
    named = {(p.name, p.protocol, p.number) for w in members for p in w.ports if p.name}
    return {
        (name, protocol)
        for name, protocol, number in named
        if any((n, p) == (name, protocol) and other != number for n, p, other in named)
    }


def _pods_of(entry: Raw) -> Raw | None:
    if entry.get("party") == "probes":
        return {"namespace": "b", "labels": {"app": "s1"}}
    return entry.get("pods")


def _key(entry: Raw, namespace: str) -> ServiceKey:
    return ServiceKey(entry.get("namespace", namespace), entry["service"])


def _listen(port: Any) -> ContainerPort:
    return ContainerPort(port) if isinstance(port, int) else ContainerPort(port["port"], "TCP", port["name"])


def _named(exposed: ServicePort) -> tuple[str | None, str]:
    return exposed.name, exposed.protocol


def _inside(address: Address, cidrs: Sequence[str]) -> bool:
    return any(ip_address(address.ip) in ip_network(cidr) for cidr in cidrs)
