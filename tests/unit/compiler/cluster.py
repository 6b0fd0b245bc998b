"""Small clusters and graphs for the tests of the rules, and what compiling them gives, as people would ask."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.compiler.incremental import compile_all
from servicegraph.compiler.parse import parse
from servicegraph.model.cluster import Cluster, DrainingTerm, EndpointSlice, Namespace, Service, Workload
from servicegraph.model.compilation import Compilation
from servicegraph.model.graph import Graph
from servicegraph.model.policy import Mode
from servicegraph.model.problems import Code, Problem
from servicegraph.model.profile import DNS, ClusterProfile, DNSService, Ranges
from servicegraph.model.refs import GraphKey, ServiceKey
from servicegraph.sources.objects import NodeAddresses, decode
from tests.support.verdict import Address, End, Manifest, Pod, Port, Verdicts

Raw = dict[str, Any]

RANGES = Ranges(pods=("10.244.0.0/16",), services=("10.96.0.0/16",), nodes=("10.0.0.0/24",))
PLAIN = ClusterProfile(ranges=RANGES)
WITH_DNS = ClusterProfile(dns=DNS(service=DNSService(namespace="kube-system", name="kube-dns")), ranges=RANGES)
STRANGER = Pod("elsewhere", {"app": "stranger"}, "stranger")
OUTSIDE = Address("198.51.100.7")


def graph(ref: str, spec: str | Raw) -> Graph:
    """A graph from its name and its spec, or the YAML of it."""
    namespace, name = _split(ref)
    raw = {
        "apiVersion": "servicegraph.dev/v1alpha1",
        "kind": "ServiceGraph",
        "metadata": {"namespace": namespace, "name": name},
        "spec": yaml.safe_load(spec) if isinstance(spec, str) else spec,
    }
    parsed = parse(raw)
    assert parsed.graph is not None, [f"{p.path}: {p.message}" for p in parsed.problems[:3]]
    return parsed.graph


def service(ref: str, ports: str = "", selector: Mapping[str, str] | None = None, **spec: Any) -> Raw:
    """A Service; ports are `[name:]port[/protocol][>target]`, the selector is `app: name` unless said."""
    namespace, name = _split(ref)
    chosen = {"app": name} if selector is None else dict(selector)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"selector": chosen, "ports": [_service_port(p) for p in ports.split()], **spec},
    }


def workload(
    ref: str, ports: str = "", labels: Mapping[str, str] | None = None, kind: str = "Deployment", **pod: Any
) -> Raw:
    """A workload; ports are `[name:]number[/protocol]`, the labels of its pods `app: name` unless said."""
    namespace, name = _split(ref)
    chosen = {"app": name} if labels is None else dict(labels)
    template = {
        "metadata": {"labels": chosen},
        "spec": {"containers": [{"name": "main", "ports": [_container_port(p) for p in ports.split()]}], **pod},
    }
    spec: Raw = {"template": template}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    elif kind != "Job":
        spec["selector"] = {"matchLabels": dict(chosen)}
    return {
        "apiVersion": "batch/v1" if kind in ("Job", "CronJob") else "apps/v1",
        "kind": kind,
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }


def app(ref: str, ports: str = "80>8080") -> list[Raw]:
    """A Service and its Deployment, with `app: name` on the pods."""
    return [service(ref, ports), workload(ref)]


def namespace(name: str, **labels: str) -> Raw:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def endpoints(ref: str, addresses: Iterable[str], ports: str = "", slice_name: str = "") -> Raw:
    """An EndpointSlice of the Service of that name, made by somebody else than the built-in controller."""
    namespace_, name = _split(ref)
    made = [_container_port(p) for p in ports.split()]
    labels = {"kubernetes.io/service-name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": namespace_, "name": slice_name or f"{name}-1", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"port": p.pop("containerPort"), **p} for p in made],
    }


class World:
    """Graphs and a cluster, compiled."""

    def __init__(
        self,
        *parts: Graph | Raw | list[Raw],
        profile: ClusterProfile = PLAIN,
        draining: Iterable[DrainingTerm] = (),
        incumbents: Mapping[ServiceKey, GraphKey] | None = None,
    ) -> None:
        flat = [item for part in parts for item in (part if isinstance(part, list) else [part])]
        self.graphs = [item for item in flat if isinstance(item, Graph)]
        found = [decode(item) for item in flat if not isinstance(item, Graph)]
        self.cluster = Cluster(
            services=tuple(o for o in found if isinstance(o, Service)),
            workloads=tuple(o for o in found if isinstance(o, Workload)),
            namespaces=tuple(o for o in found if isinstance(o, Namespace)),
            endpoint_slices=tuple(o for o in found if isinstance(o, EndpointSlice)),
            node_addresses=tuple(a for o in found if isinstance(o, NodeAddresses) for a in o.addresses),
            draining=tuple(draining),
            incumbents=tuple((incumbents or {}).items()),
        )
        self.compilation: Compilation = compile_all(self.graphs, self.cluster, profile)
        enforced = [p for p in self.compilation.policies if p.mode is Mode.ENFORCE]
        self.manifests: dict[str, Manifest] = {f"{p.namespace}/{p.name}": manifest(p) for p in enforced}
        self.verdicts = Verdicts(
            self.manifests.values(), {n.name: n.labels for n in self.cluster.namespaces if n is not None}
        )

    @property
    def pods(self) -> dict[str, Pod]:
        """A pod of each workload, by namespace and name."""
        return {
            f"{w.key.namespace}/{w.key.name}": Pod(w.key.namespace, w.template_labels or {}, w.key.name)
            for w in self.cluster.workloads
            if not w.host_network
        }

    def end(self, what: str | End) -> End:
        """The end that a name stands for: `namespace/workload`, or an address."""
        if not isinstance(what, str):
            return what
        return self.pods[what] if "/" in what else Address(what)

    def allows(self, source: str | End, target: str | End, port: int | str) -> bool:
        """Whether a connection passes at both ends."""
        return self.verdicts.allowed(self.end(source), self.end(target), port_of(port))

    def callers(self, target: str | End) -> set[str]:
        """Who passes the ingress of a pod, as `caller port`: every known pod, a stranger, and an address outside."""
        return {
            f"{name} {_text(port)}"
            for name, end in self._others()
            for port in self._ports()
            if self.verdicts.ingress(self.end(target), end, port)
        }

    def callees(self, source: str | End) -> set[str]:
        """Whom the egress of a pod lets it reach, as `callee port`."""
        return {
            f"{name} {_text(port)}"
            for name, end in self._others()
            for port in self._ports()
            if self.verdicts.egress(self.end(source), end, port)
        }

    def isolated(self, pod: str | Pod) -> tuple[str, ...]:
        """The directions in which some policy selects a pod."""
        end = self.end(pod)
        assert isinstance(end, Pod)
        return tuple(d for d in ("Ingress", "Egress") if self.verdicts.isolated(end, d))

    def problems(self, code: Code | None = None) -> list[Problem]:
        """The problems, or those of a code."""
        return [p for p in self.compilation.problems if code in (None, p.code)]

    @property
    def codes(self) -> set[Code]:
        """The codes of all problems."""
        return {p.code for p in self.compilation.problems}

    def edges(self) -> set[str]:
        """The edges as `caller -> callee [ports] state`."""
        return {
            f"{e.caller} -> {e.party}{' ' + ','.join(e.ports) if e.ports else ''} {e.state.value}"
            for e in self.compilation.edges
        }

    def policies(self, namespace: str) -> list[str]:
        """The services that policies of a namespace are for, in the order of their names."""
        found = [p for p in self.compilation.policies if p.namespace == namespace]
        return [p.service.name if p.service else p.name for p in found]

    def _others(self) -> list[tuple[str, End]]:
        return [*self.pods.items(), ("stranger", STRANGER), ("outside", OUTSIDE)]

    def _ports(self) -> set[Port]:
        """Every port that a policy or a workload names, and one that nobody does."""
        found: set[Port] = {("TCP", 65000)}
        for made in self.manifests.values():
            for rule in (*made["spec"]["ingress"], *made["spec"]["egress"]):
                found |= {(p["protocol"], number) for p in rule.get("ports", ()) for number in _numbers(p)}
        found |= {(p.protocol, p.number) for w in self.cluster.workloads for p in w.ports}
        return found


def port_of(written: int | str) -> Port:
    """`8080` or `"53/UDP"` as protocol and number."""
    number, _, protocol = str(written).partition("/")
    return protocol or "TCP", int(number)


def _text(port: Port) -> str:
    protocol, number = port
    return str(number) if protocol == "TCP" else f"{number}/{protocol}"


def _numbers(port: Mapping[str, Any]) -> set[int]:
    return {port["port"], port.get("endPort", port["port"])}


def _split(ref: str) -> tuple[str, str]:
    namespace, _, name = ref.partition("/")
    return namespace, name


def _service_port(written: str) -> Raw:
    port, _, target = written.partition(">")
    made = _container_port(port)
    made["port"] = made.pop("containerPort")
    if target:
        made["targetPort"] = int(target) if target.isdigit() else target
    return made


def _container_port(written: str) -> Raw:
    rest, _, protocol = written.partition("/")
    name, _, number = rest.rpartition(":")
    made: Raw = {"containerPort": int(number), "protocol": protocol or "TCP"}
    return {**made, "name": name} if name else made
