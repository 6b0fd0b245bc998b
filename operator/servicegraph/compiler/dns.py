"""Who may ask DNS, and where it is (R6)."""

from collections.abc import Iterable, Mapping

import msgspec

from servicegraph.compiler.ports import Ranges, resolve_ports, service_port
from servicegraph.compiler.terms import Finding
from servicegraph.compiler.view import Half, View, isolable, pod_peer
from servicegraph.model.addresses import single
from servicegraph.model.graph import DeclaredService
from servicegraph.model.policy import AddressPeer, Direction, Flow, LookupPeer, NamePeer, Origin, PodPeer
from servicegraph.model.ports import PortRange, WrittenPort, parse_port
from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import STANDARD, ClusterProfile
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Selector

_PORTS: tuple[WrittenPort, ...] = (parse_port("53/UDP"), parse_port("53/TCP"))
_DEEPEST = 6
"""Labels below the cluster's domain in a name of its own: `_http._tcp.web-0.search.shop.svc`."""

_NUMBERS = (PortRange("TCP", 53, 53), PortRange("UDP", 53, 53))


class Resolver(msgspec.Struct, frozen=True):
    """Where names are resolved: peers with their pod ports, as seen from another namespace."""

    service: ServiceKey | None = None
    pods: tuple[tuple[Selector, Ranges], ...] = ()
    addresses: tuple[str, ...] = ()
    finding: Finding | None = None

    def peers(self, seen_from: str) -> list[tuple[PodPeer | AddressPeer, Ranges]]:
        """The resolver as egress peers in the policies of a namespace."""
        found: list[tuple[PodPeer | AddressPeer, Ranges]] = []
        if self.service is not None:
            found += [(pod_peer(pods, self.service.namespace, seen_from), ranges) for pods, ranges in self.pods]
        return found + [(AddressPeer(single(address)), _NUMBERS) for address in self.addresses]


def resolver(view: View) -> Resolver:
    """The cluster's resolver: the profile's Service and addresses.

    What the input says of the Service wins; else the pods that the profile describes.
    """
    profile = view.profile.dns
    if profile.service is None:
        if profile.addresses:
            return Resolver(addresses=profile.addresses)
        return Resolver(finding=_unknown("the ClusterProfile names no DNS Service: write dns.service"))
    key = ServiceKey(profile.service.namespace, profile.service.name)
    subject = view.subject(key)
    if subject.terms and not isolable(subject):
        message = (
            f"the pods of the DNS Service {key} run in the host's network: write where they listen as dns.addresses"
        )
        return Resolver(addresses=profile.addresses, finding=None if profile.addresses else _unknown(message))
    table = resolve_ports(isolable(subject), _PORTS, service_port)
    pods = tuple((term.selector, ranges) for term, ranges in table.rows)
    if pods:
        return Resolver(key, pods, profile.addresses)
    if not profile.service.labels:
        message = f"the DNS Service {key} of the ClusterProfile is not there, or has no port 53 with pods behind it"
        return Resolver(addresses=profile.addresses, finding=_unknown(message))
    selector = Selector.from_labels(profile.service.labels)
    written = [parse_port(port) for port in profile.service.ports] or _PORTS
    ranges = tuple(sorted(PortRange(p.number_protocol, p.start, p.end) for p in written))
    finding = _assumed(key, profile.service.labels, ranges) if view.profile.dns is STANDARD.dns else None
    return Resolver(key, ((selector, ranges),), profile.addresses, finding)


def _assumed(key: ServiceKey, labels: Mapping[str, str], ranges: Ranges) -> Finding:
    message = (
        f"without a profile, DNS is taken to be {key}: pods {', '.join(f'{k}={v}' for k, v in labels.items())}, "
        f"ports {', '.join(map(str, ranges))}; pass --profile with that of your cluster, or that Service, to be sure"
    )
    return Finding(Code.DNS_ASSUMED, Severity.INFO, message)


def asks_dns(service: DeclaredService) -> bool:
    """Whether a service may resolve names: by default when it calls something."""
    return service.dns == "Always" or (service.dns == "WhenCalling" and bool(service.calls))


def name_findings(service: DeclaredService, name: str) -> list[Finding]:
    """What is wrong with a call to a name: addresses are learnt from lookups that the pods make themselves."""
    if asks_dns(service):
        return []
    message = f"{service.key.name} may not ask DNS, so it never learns an address of {name}: leave out `dns: Never`"
    return [Finding(Code.NAME_WITHOUT_DNS, Severity.WARNING, message)]


def dns_halves(service: DeclaredService, found: Resolver, view: View, halves: Iterable[Half]) -> tuple[Half, ...]:
    """The flows of a service to the resolver; `halves` are its other flows.

    One that calls outside names asks for those, and for what the cluster itself answers, and for nothing else: an
    allowance without names would let lookups pass that Cilium never sees.
    """
    if not asks_dns(service):
        return ()
    origin = Origin(service.graph, f"{service.path}.dns", f"{service.key.name} asks DNS")
    called = {half.flow.peer.pattern for half in halves if isinstance(half.flow.peer, NamePeer)}
    names = _askable(called, view.profile) if called else ()
    return tuple(
        Half(term.selector, Flow(Direction.EGRESS, LookupPeer(peer, names) if names else peer, ranges, origin))
        for peer, ranges in found.peers(service.key.namespace)
        for term in isolable(view.subject(service.key))
    )


def asked_name(service: ServiceKey, profile: ClusterProfile) -> NamePeer:
    """The name that pods ask for when they call a Service; Cilium matches that and not what it stands for."""
    return NamePeer(f"{service.name}.{service.namespace}.svc.{profile.dns.cluster_domain}")


def _askable(called: set[str], profile: ClusterProfile) -> tuple[str, ...]:
    """The names themselves, the same with each search domain, and the cluster's own zone.

    In the zone are the names of Services, and every name that pods try with the cluster's search domains first, such as
    `api.example.com.shop.svc` with two labels more. Were those refused, clients with musl would give up there.
    """
    deepest = max(_DEEPEST, *(len(name.split(".")) + 2 for name in called))
    zone = [f"{'*.' * labels}{profile.dns.cluster_domain}" for labels in range(1, deepest + 1)]
    searched = [f"{name}.{domain}" for name in called for domain in profile.dns.search_domains]
    return (*sorted(called), *sorted(searched), *zone)


def _unknown(message: str) -> Finding:
    return Finding(Code.DNS_UNKNOWN, Severity.ERROR, f"{message}; until then nobody may ask DNS")
