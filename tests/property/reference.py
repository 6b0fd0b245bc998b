"""What the graphs of a scenario declare, read straight from the rules: pod by pod, entry by entry, slow and simple.

It shares no code with the compiler but the vocabulary of the cluster. Pods of one service that number a named port
differently are told apart by the selectors of their workloads (R2), which tame clusters always allow.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from servicegraph.model.refs import ServiceKey
from tests.property.clusters import DNS_KEY, PROFILE
from tests.property.numbering import NOWHERE, Numbers, Scope, named, pod_ports, served
from tests.property.pods import BOTH, Declared, Pods
from tests.property.scenarios import Raw, Scenario
from tests.support.verdict import Address, End, Pod, Port


class Reference:
    """The declared flows of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.cluster = scenario.cluster
        self.pods = Pods(scenario)
        self.namespaces = {n.name: n.labels for n in self.cluster.namespaces}
        self.denied = {
            (graph["metadata"]["namespace"], direction)
            for graph in scenario.graphs
            if graph["spec"].get("isolation") == "Namespace" and graph["spec"].get("mode", "Enforce") == "Enforce"
            for direction in graph["spec"].get("directions", BOTH)
        }

    # Who is isolated

    def allows(self, pod: Pod, direction: str, peer: End, port: Port) -> bool:
        """Whether the graphs let a pod have this in one direction."""
        mine = [d for d in self.pods.declared.values() if self.pods.is_of(pod, d.key)]
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
            return any(port in served(scope, written) for scope in self.pods.scopes(callee, peer))
        if "kubeAPIServer" in call:
            api = PROFILE.api_server
            chosen = pod_ports(NOWHERE, written) if written else {("TCP", api.port or 0)}
            return isinstance(peer, Address) and peer.ip in api.addresses and port in chosen
        if "fqdn" in call or not self._matches(call, caller.key.namespace, peer):
            return False
        return port in pod_ports(self._seen(call, caller.key.namespace), written)

    def _ingress(self, callee: Declared, pod: Pod, peer: End, port: Port) -> bool:
        scopes = self.pods.scopes(callee.key, pod)
        for caller in self.pods.declared.values():
            for call in caller.raw["calls"]:
                if "service" not in call or _key(call, caller.key.namespace) != callee.key:
                    continue
                if isinstance(peer, Pod) and self.pods.is_of(peer, caller.key):
                    for scope in scopes:
                        granted = served(scope, call.get("ports", []))
                        if caller.key.namespace != callee.key.namespace:
                            granted &= self._consent(caller, callee, scope)
                        if port in granted:
                            return True
        return any(self._accepts(callee, accept, scopes, peer, port) for accept in callee.accepts)

    def _accepts(self, callee: Declared, accept: Raw, scopes: list[Scope], peer: End, port: Port) -> bool:
        written = accept.get("ports", [])
        if "service" in accept:
            caller = _key(accept, callee.key.namespace)
            if caller in self.pods.declared or not isinstance(peer, Pod) or not self.pods.is_of(peer, caller):
                return False
            return any(port in served(scope, written) for scope in scopes)
        if "kubeAPIServer" in accept:
            matches = isinstance(peer, Address) and _inside(peer, PROFILE.api_server.webhook_sources)
        else:
            matches = "anywhere" in accept or self._matches(accept, callee.key.namespace, peer)
        return matches and any(port in pod_ports(scope, written) for scope in scopes)

    def _consent(self, caller: Declared, callee: Declared, scope: Scope) -> Numbers:
        found: Numbers = set()
        for accept in callee.accepts:
            if "anywhere" in accept:
                found |= pod_ports(scope, accept["ports"])
            elif "service" in accept and _key(accept, callee.key.namespace) == caller.key:
                found |= served(scope, accept.get("ports", []))
        return found

    def _dns(self, peer: End, port: Port) -> bool:
        if isinstance(peer, Address):
            return peer.ip in PROFILE.dns.addresses and port in {("UDP", 53), ("TCP", 53)}
        if DNS_KEY in self.pods.services:
            ports = ["53/UDP", "53/TCP"]
            return any(port in served(scope, ports) for scope in self.pods.scopes(DNS_KEY, peer))
        described = peer.namespace == DNS_KEY.namespace and peer.labels.get("k8s-app") == "kube-dns"
        return described and port in {("UDP", 53), ("TCP", 53)}

    # Who is who

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
        declared = self.pods.declared.get(callee)
        names = [t["service"] for t in declared.raw["selects"] if "service" in t] if declared else []
        if declared and not declared.raw["selects"]:
            names = [callee.name]
        found = [
            self.pods.services.get(ServiceKey(callee.namespace, n)) for n in (names if declared else [callee.name])
        ]
        without = [s for s in found if s and s.selector is None]
        if callee.namespace != caller.key.namespace or self.pods.terms(callee) or not without:
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
            numbers = {p.number for s in slices for p in s.ports if (p.name, p.protocol) == named(exposed)}
            if not numbers and isinstance(exposed.target, int):
                numbers = {exposed.target}
            if len(numbers) == 1 and not (service.headless and numbers != {exposed.port}):
                translations.append((exposed, numbers.pop()))
        return port in served(Scope(tuple(translations), (), True), written)

    # How ports are numbered

    def _seen(self, entry: Raw, namespace: str) -> Scope:
        """The ports of all pods that an entry names by label; nobody knows those of namespaces that are selected."""
        pods = _pods_of(entry)
        if pods is not None and "namespaceSelector" in pods:
            return NOWHERE
        found = [
            port
            for w in self.cluster.workloads
            if pods is not None and self._pods(pods, namespace, w.key.namespace, w.template_labels)
            for port in w.ports
        ]
        return Scope((), tuple(set(found)), False)


def _pods_of(entry: Raw) -> Raw | None:
    if entry.get("party") == "probes":
        return {"namespace": "b", "labels": {"app": "s1"}}
    return entry.get("pods")


def _key(entry: Raw, namespace: str) -> ServiceKey:
    return ServiceKey(entry.get("namespace", namespace), entry["service"])


def _inside(address: Address, cidrs: Sequence[str]) -> bool:
    return any(ip_address(address.ip) in ip_network(cidr) for cidr in cidrs)
