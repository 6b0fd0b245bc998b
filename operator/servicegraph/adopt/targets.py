"""What a host means to a pod of some namespace: a Service, the API server, or something outside."""

from collections.abc import Mapping
from ipaddress import ip_address

import msgspec

from servicegraph.adopt.hosts import Injected, Named
from servicegraph.adopt.parts import selects
from servicegraph.model.cluster import Cluster, Service
from servicegraph.model.names import DNS_SUBDOMAIN
from servicegraph.model.ports import Protocol
from servicegraph.model.refs import ServiceKey, WorkloadKey

KUBERNETES = ServiceKey("default", "kubernetes")
_LOCAL = ("localhost", "ip6-localhost", "0.0.0.0", "host.docker.internal")
_DNS = ("kube-dns", "coredns", "dns-default")


class ServiceTarget(msgspec.Struct, frozen=True, order=True):
    """A Service, with the port of the Service that is meant, 0 for none in particular."""

    key: ServiceKey
    port: int = 0


class PodsTarget(msgspec.Struct, frozen=True, order=True):
    """A port of the pods of a workload, past any Service."""

    key: WorkloadKey
    port: int


class PartTarget(msgspec.Struct, frozen=True, order=True):
    """A port of the pods of a part, by the part's name."""

    key: ServiceKey
    port: int
    protocol: Protocol = "TCP"


class PlaceTarget(msgspec.Struct, frozen=True, order=True):
    """The cluster's nodes, or the internet at large: `place` as entries name it."""

    place: str
    port: int
    protocol: Protocol = "TCP"


class APIServerTarget(msgspec.Struct, frozen=True, order=True):
    """The Kubernetes API server."""


class OutsideTarget(msgspec.Struct, frozen=True, order=True):
    """A host outside the cluster, by name or address."""

    host: str
    port: int = 0
    protocol: Protocol = "TCP"


Target = ServiceTarget | PodsTarget | PartTarget | APIServerTarget | PlaceTarget | OutsideTarget


class Meaning(msgspec.Struct, frozen=True):
    """What a host means, and why that may not be so; empty where nothing is in doubt."""

    target: Target
    doubt: str = ""


class Directory:
    """The Services there are, as DNS in a pod finds them."""

    def __init__(self, cluster: Cluster) -> None:
        self.services: Mapping[ServiceKey, Service] = {service.key: service for service in cluster.services}
        self._namespaces = frozenset(n.name for n in cluster.namespaces) | {key.namespace for key in self.services}
        self._workloads = cluster.workloads

    def find(self, named: Named | Injected, namespace: str) -> list[Meaning]:
        """What a host means in `namespace`; nothing where nobody could call it, several where pods are meant."""
        meaning = self._injected(named, namespace) if isinstance(named, Injected) else self._find(named, namespace)
        match meaning:
            case None:
                return []
            case Meaning(ServiceTarget(key), doubt) if doubt and isinstance(named, Named):
                return [Meaning(PodsTarget(of, named.port)) for of in self._past(key, named.port)] or [meaning]
        return [meaning]

    def _find(self, named: Named, namespace: str) -> Meaning | None:
        if named.host in _LOCAL:
            return None
        if _is_address(named.host):
            return _outside_address(named)
        key, certain = self._service(named.host, namespace)
        if key == KUBERNETES:
            return Meaning(APIServerTarget())
        if key is None:
            return _outside_name(named)
        if key.name in _DNS:
            return None
        if certain or key in self.services:
            return self._meaning(key, named)
        if named.sure and (named.port or named.default):
            return Meaning(ServiceTarget(key), "no Service of that name is among these manifests")
        return None

    def _meaning(self, key: ServiceKey, named: Named) -> Meaning:
        """The Service, with the port it is called on; a port that it does not have puts the call in doubt."""
        service = self.services.get(key)
        ports = {port.port for port in service.ports} if service else set()
        if named.port and service and ports and named.port not in ports:
            return Meaning(ServiceTarget(key), no_port(named.port, service))
        port = named.port or (named.default if named.default in ports else 0)
        if named.sure or named.port:
            return Meaning(ServiceTarget(key, port))
        return Meaning(ServiceTarget(key), "this may be a name and no call")

    def _past(self, key: ServiceKey, port: int) -> list[WorkloadKey]:
        """Whose pods listen on a port behind a headless Service, whose name is the addresses of its pods."""
        service = self.services.get(key)
        if service is None or not service.headless:
            return []
        return [w.key for w in self._workloads if selects(service, w) and port in {p.number for p in w.ports}]

    def _service(self, host: str, namespace: str) -> tuple[ServiceKey | None, bool]:
        """The Service of a name, and whether the name can be nothing else."""
        labels = host.split(".")
        if "svc" in labels[2:]:
            at = labels.index("svc", 2)
            return ServiceKey(labels[at - 1], labels[at - 2]), True
        match labels:
            case [name]:
                return ServiceKey(namespace, name), False
            case [name, of] if ServiceKey(of, name) in self.services or of in self._namespaces:
                return ServiceKey(of, name), False
            case ["kubernetes", "default"]:
                return KUBERNETES, True
            case [pod, name] if self._is_pod_of(pod, ServiceKey(namespace, name)):
                return ServiceKey(namespace, name), False
            case [pod, name, of] if self._is_pod_of(pod, ServiceKey(of, name)):
                return ServiceKey(of, name), False
        return None, False

    def _is_pod_of(self, pod: str, key: ServiceKey) -> bool:
        service = self.services.get(key)
        return service is not None and service.headless and pod.rpartition("-")[2].isdigit()

    def _injected(self, named: Injected, namespace: str) -> Meaning | None:
        if named.name == "KUBERNETES":
            return Meaning(APIServerTarget())
        for key in sorted(self.services):
            if key.namespace == namespace and key.name.upper().replace("-", "_") == named.name:
                return Meaning(ServiceTarget(key))
        return None


def no_port(port: int | str, service: Service) -> str:
    """What to say of a port that a Service does not have."""
    listed = ", ".join(map(str, sorted({port.port for port in service.ports})))
    return f"port {port} is no port of the Service, which has {listed or 'none'}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _outside_address(named: Named) -> Meaning | None:
    address = ip_address(named.host)
    if address.is_loopback or address.is_unspecified or address.is_multicast or not (named.sure or named.port):
        return None
    return Meaning(OutsideTarget(named.host, named.port or named.default))


def _outside_name(named: Named) -> Meaning | None:
    """A DNS name of somebody else: told where it can be nothing but a host, because many things have dots."""
    last = named.host.rpartition(".")[2]
    if not (named.sure or named.port) or not last.isalpha() or len(last) < 2 or not DNS_SUBDOMAIN.match(named.host):
        return None
    return Meaning(OutsideTarget(named.host, named.port or named.default))
