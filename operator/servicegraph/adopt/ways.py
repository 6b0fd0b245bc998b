"""Parties beside services: whom a service lets in, and what it calls outside."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from servicegraph.adopt.draft import DraftEntry
from servicegraph.adopt.found import Configuration, Exposure, Scrape
from servicegraph.adopt.implied import PROMETHEUS, controllers, leads, scrape_ports, scraped, scrapers
from servicegraph.adopt.parts import Part
from servicegraph.adopt.ports import written_port
from servicegraph.adopt.targets import OutsideTarget, no_port
from servicegraph.model.addresses import single
from servicegraph.model.cluster import Cluster, ServicePort
from servicegraph.model.profile import ClusterProfile

_GATEWAY_LABEL = "gateway.networking.k8s.io/gateway-name"
"""https://gateway-api.sigs.k8s.io/geps/gep-1762/: what a Gateway's own pods are labelled with."""


class Caller(msgspec.Struct, frozen=True):
    """A part that calls another. `ports` are of the pods, where known; `pods` says that its call names them."""

    part: Part
    seen: tuple[str, ...]
    ports: tuple[int | str, ...] = ()
    pods: bool = False


def accepted(
    part: Part,
    callers: Sequence[Caller],
    configuration: Configuration,
    cluster: Cluster,
    profile: ClusterProfile,
) -> tuple[DraftEntry, ...]:
    """The entries of `accepts` for a part; `callers` are the parts that call it."""
    own = {service.key for service in part.services}
    found = consents(part, callers)
    ways = sorted(exposure for exposure in configuration.exposures if exposure.service in own)
    found += _exposed(part, ways, cluster)
    found += _webhooks(part, configuration)
    found += _scraped(part, configuration.scrapes, cluster, profile)
    if not found and not callers and (ports := _all_ports(part)):
        review = "nothing here names it: if somebody outside calls it, say who, and remove this otherwise"
        found.append(DraftEntry({"anywhere": True, "ports": ports}, (), (review,), written=False))
    return tuple(found)


def consents(part: Part, callers: Iterable[Caller]) -> list[DraftEntry]:
    """The entries by which a part lets its callers in, where their own calls do not."""
    return [_consent(part, caller) for caller in callers if _needs_consent(part, caller)]


def _needs_consent(part: Part, caller: Caller) -> bool:
    """What names pods opens the caller's half alone; so does a call from another namespace (R7), or in no graph."""
    return caller.pods or caller.part.key.namespace != part.key.namespace or not caller.part.drafted


def _consent(part: Part, caller: Caller) -> DraftEntry:
    key = caller.part.key
    if caller.ports and (caller.pods or caller.part.is_stranger):
        return on_pods(caller.part, part.key.namespace, caller.ports, caller.seen)
    elsewhere = {} if key.namespace == part.key.namespace else {"namespace": key.namespace}
    return DraftEntry({"service": key.name, **elsewhere}, caller.seen)


def on_pods(
    part: Part, namespace: str, ports: Iterable[int | str], seen: tuple[str, ...], review: tuple[str, ...] = ()
) -> DraftEntry:
    """An entry on the pods of a part, as a graph of `namespace` names them; only proposed where that means all pods."""
    of, labels = part.key.namespace, part.workloads[0].selector.labels()
    pods = ({} if of == namespace else {"namespace": of}) | {"labels": labels}
    everybody = () if labels else (f"these pods have no labels of their own, so this is every pod of {of}",)
    return DraftEntry({"pods": pods, "ports": list(ports)}, seen, (*review, *everybody), written=bool(labels))


def outside(target: OutsideTarget, seen: tuple[str, ...]) -> DraftEntry:
    """A host outside, only proposed: whether a policy can name it depends on the network plugin."""
    ports = [written_port(target.port or 443, target.protocol)]
    assumed = () if target.port else ("no port is said: 443 is assumed",)
    if any(character.isalpha() for character in target.host) and ":" not in target.host:
        review = "outside the cluster: fqdn needs a plugin that enforces names, else write its cidr or a party"
        return DraftEntry({"fqdn": target.host, "ports": ports}, seen, (review, *assumed), written=False)
    review = "an address: of whom, and does it stay?"
    return DraftEntry({"cidr": single(target.host), "ports": ports}, seen, (review, *assumed), written=False)


def _exposed(part: Part, ways: Sequence[Exposure], cluster: Cluster) -> Iterator[DraftEntry]:
    """One entry for each kind of way in, with the ports that it leads to; controllers that are known are callers."""
    services = {service.key: service for service in part.services}
    lost = [way for way in ways if not leads(services[way.service], way.port)]
    for way in lost:
        ports = {"ports": _all_ports(part)} if _all_ports(part) else {}
        review = no_port(way.port, services[way.service]) if way.port else "the Service has no ports"
        yield DraftEntry({"anywhere": True, **ports}, (str(way.place),), (review,), written=False)
    found = [way for way in ways if way not in lost]
    for by in sorted({way.by for way in found}):
        same = [way for way in found if way.by == by]
        pod_ports = _pod_ports(part, dict.fromkeys(p for way in same for p in leads(services[way.service], way.port)))
        seen = tuple(str(way.place) for way in same)
        if by in ("LoadBalancer", "NodePort"):
            review = f"{by}: anybody who reaches it. Write a cidr or internet: true if that is too wide"
            yield DraftEntry({"anywhere": True, "ports": pod_ports}, seen, (review,))
        elif by != "Ingress" or not controllers(cluster):
            who = "Ingress controller" if by == "Ingress" else "Gateway"
            review = f"the pods of the {who} are not among these manifests: name them, which is narrower than anywhere"
            yield DraftEntry({"anywhere": True, "ports": pod_ports}, seen, (review,))
            for gateway in sorted({gateway for way in same for gateway in way.gateways}):
                pods = {"namespace": gateway.namespace, "labels": {_GATEWAY_LABEL: gateway.name}}
                yield DraftEntry({"pods": pods, "ports": pod_ports}, seen, ("instead, perhaps",), written=False)


def _webhooks(part: Part, configuration: Configuration) -> Iterator[DraftEntry]:
    own = {service.key: service for service in part.services}
    found = sorted(webhook for webhook in configuration.webhooks if webhook.service in own)
    if found:
        ports = [port for webhook in found for port in own[webhook.service].ports if port.port == webhook.port]
        seen = tuple(str(webhook.place) for webhook in found)
        if ports:
            yield DraftEntry({"kubeAPIServer": True, "ports": _pod_ports(part, ports)}, seen)
        else:
            review = no_port(found[0].port, own[found[0].service])
            yield DraftEntry({"kubeAPIServer": True}, seen, (review,), written=False)


def _scraped(part: Part, scrapes: Iterable[Scrape], cluster: Cluster, profile: ClusterProfile) -> Iterator[DraftEntry]:
    """Who may scrape, where it is nobody among the workloads: those are callers."""
    own = {workload.key: workload for workload in part.workloads}
    found = sorted(s for s in scrapes if any(w.key in own for w in scraped(s, cluster)))
    if not found or scrapers(cluster, profile):
        return
    ports = sorted({port for scrape in found for workload in part.workloads for port in scrape_ports(scrape, workload)})
    seen = tuple(str(item.place) for item in found)
    if any(party.name == PROMETHEUS for party in profile.parties):
        yield DraftEntry({"party": PROMETHEUS, "ports": ports}, seen)
    else:
        pods = {"namespace": "monitoring", "labels": {"app.kubernetes.io/name": PROMETHEUS}}
        review = "the pods that scrape are not among these manifests: correct this"
        yield DraftEntry({"pods": pods, "ports": ports}, seen, (review,), written=False)


def _all_ports(part: Part) -> list[Any]:
    return _pod_ports(part, {port: None for service in part.services for port in service.ports})


def _pod_ports(part: Part, ports: Iterable[ServicePort]) -> list[Any]:
    """Ports of the pods as an author writes them: by name where the containers have one."""
    named = {(p.number, p.protocol): p.name for workload in part.workloads for p in workload.ports if p.name}
    found = []
    for port in ports:
        target = port.target if isinstance(port.target, str) else named.get((port.target, port.protocol), port.target)
        found.append(target if isinstance(target, str) else written_port(target, port.protocol))
    return sorted(set(found), key=str)
