"""An end of a question as the party of an entry, as a peer of a rule, and as the service that a graph declares."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from servicegraph.answers.ends import Member, Party
from servicegraph.answers.scene import Scene
from servicegraph.model.addresses import single
from servicegraph.model.cluster import GENERATED_LABELS
from servicegraph.model.graph import DeclaredService
from servicegraph.model.ports import PortRange
from servicegraph.model.selectors import NAMESPACE_LABEL
from servicegraph.verify.ends import Address, Pod


def declared_service(party: Party, scene: Scene) -> DeclaredService | None:
    """The declaration of an end: of the service it is, or of the one whose pod it is."""
    if party.service is not None:
        return scene.declared(party.service)
    pods = [member.end for member in party.members if isinstance(member.end, Pod)]
    for pod in pods:
        for graph in scene.graphs.values():
            for service in graph.services if graph.key.namespace == pod.namespace else ():
                if any(term.selector.matches(pod.labels) for term in scene.subject(service.key).terms):
                    return scene.declared(service.key)
    return None


def as_parties(party: Party, scene: Scene, namespace: str, *, call: bool) -> Iterator[dict[str, Any]]:
    """The end as the party of an entry in a graph of `namespace`, the best way first; nothing where none can name it.

    A call names a DNS name; nobody can accept one.
    """
    declared = declared_service(party, scene)
    service = party.service or (declared.key if declared else None)
    if party.name:
        if call:
            yield {"fqdn": party.name}
        return
    if service is not None:
        elsewhere = {} if service.namespace == namespace else {"namespace": service.namespace}
        yield {"service": service.name, **elsewhere}
    (member, *others) = party.members
    if isinstance(member.end, Address) and not others:
        yield {"cidr": single(member.end.ip)}
    elif isinstance(member.end, Pod) and service is None:
        elsewhere = {} if member.end.namespace == namespace else {"namespace": member.end.namespace}
        yield {"pods": {**elsewhere, "labels": stable(member.end.labels)}}


def as_peers(party: Party, namespace: str) -> list[dict[str, Any]]:
    """The end as peers of a rule in a policy of `namespace`."""
    if party.name:
        return []
    return [_peer(member, party, namespace) for member in party.members]


def as_ports(ranges: Iterable[PortRange]) -> list[int | str]:
    """Pod ports as an author writes them."""
    return [int(text) if (text := str(found)).isdigit() else text for found in ranges]


def stable(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels less those that controllers make anew for each version or pod."""
    return {key: value for key, value in sorted(labels.items()) if key not in GENERATED_LABELS}


def _peer(member: Member, party: Party, namespace: str) -> dict[str, Any]:
    end = member.end
    if isinstance(end, Address):
        return {"ipBlock": {"cidr": single(end.ip)}}
    selectors = [t.selector for t in party.terms if t.selector.matches(end.labels)]
    pods = selectors[0].to_dict() if selectors else {"matchLabels": stable(end.labels)}
    if end.namespace == namespace:
        return {"podSelector": pods}
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: end.namespace}}, "podSelector": pods}
