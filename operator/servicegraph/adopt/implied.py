"""Calls that no text names: an Ingress makes its controller call, an annotation makes a scraper call."""

from collections.abc import Iterable, Iterator

from servicegraph.adopt.found import Configuration, Place, Scrape
from servicegraph.adopt.parts import selects
from servicegraph.adopt.targets import Meaning, PodsTarget, ServiceTarget, no_port
from servicegraph.compiler.inventory import pod_labels
from servicegraph.model.cluster import Cluster, Service, ServicePort, Workload
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import WorkloadKey

PROMETHEUS = "prometheus"
_CONTROLLERS = ("ingress-nginx", "nginx-ingress", "traefik", "haproxy-ingress", "contour", "kong", "envoy")
_NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")

Implied = tuple[WorkloadKey, Meaning, Place]
"""Who calls, whom, and where it is said."""


def controllers(cluster: Cluster) -> list[Workload]:
    """The Ingress controllers among the workloads, by the names that they go by."""
    return _called(_CONTROLLERS, cluster)


def scrapers(cluster: Cluster, profile: ClusterProfile) -> list[Workload]:
    """What scrapes metrics here; nobody where the profile has a party for that."""
    return [] if any(party.name == PROMETHEUS for party in profile.parties) else _called((PROMETHEUS,), cluster)


def implied(cluster: Cluster, configuration: Configuration, profile: ClusterProfile) -> Iterator[Implied]:
    """All of them."""
    services = {service.key: service for service in cluster.services}
    for controller in controllers(cluster):
        for way in configuration.exposures:
            if way.by == "Ingress" and way.service in services:
                yield controller.key, _meaning(services[way.service], way.port), way.place
    for scraper in scrapers(cluster, profile):
        for scrape in configuration.scrapes:
            for workload in scraped(scrape, cluster):
                for port in scrape_ports(scrape, workload):
                    yield scraper.key, Meaning(PodsTarget(workload.key, port)), scrape.place


def scraped(scrape: Scrape, cluster: Cluster) -> list[Workload]:
    """The workloads whose pods ask to be scraped."""
    services = [service for service in cluster.services if service.key == scrape.service]
    return [w for w in cluster.workloads if w.key == scrape.workload or any(selects(s, w) for s in services)]


def scrape_ports(scrape: Scrape, workload: Workload) -> list[int]:
    """On which ports: the annotation's, else those that the containers name."""
    return [int(scrape.port)] if scrape.port.isdecimal() else sorted({port.number for port in workload.ports})


def leads(service: Service, written: str) -> list[ServicePort]:
    """The ports of a Service that a way in leads to, by number or name; all of them where it names none."""
    return [port for port in service.ports if not written or written in (port.name, str(port.port))]


def _meaning(service: Service, written: str) -> Meaning:
    if not written:
        return Meaning(ServiceTarget(service.key))
    if found := leads(service, written):
        return Meaning(ServiceTarget(service.key, found[0].port))
    return Meaning(ServiceTarget(service.key), no_port(written, service))


def _called(names: Iterable[str], cluster: Cluster) -> list[Workload]:
    wanted = frozenset(names)
    found = [w for w in cluster.workloads if any(pod_labels(w).get(label) in wanted for label in _NAME_LABELS)]
    return sorted((workload for workload in found if not workload.host_network), key=lambda workload: workload.key)
