"""Pods, peers, ports and differences in words, for status messages and for the command line alike."""

from collections.abc import Iterable

from servicegraph.model.policy import AddressPeer, Declared, Direction, EntityPeer, LookupPeer, NamePeer, Peer, PodPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import NAMESPACE_LABEL, Operator, Selector
from servicegraph.verify import portsets
from servicegraph.verify.portsets import PortSet
from servicegraph.verify.proof import Difference, Kind, Subject

_MOST_PORTS, _MOST_NAMES = 8, 3
ENTITIES = {"host": "the pod's own node", "remote-node": "other nodes", "kube-apiserver": "the API server"}


class Words:
    """Knows the services by their pods, so that a class of pods has a name where it is a service's."""

    def __init__(self, declared: Iterable[Declared]) -> None:
        self._services: dict[tuple[str, Selector], ServiceKey] = {}
        for said in declared:
            if said.service is not None:
                self._services.setdefault((said.namespace, said.subject), said.service)

    def pods(self, namespace: str, pods: Selector) -> str:
        """Pods of one namespace: a service's, or by their labels."""
        service = self._services.get((namespace, pods))
        if service is not None:
            return str(service)
        return f"{labels(pods)} in {namespace}"

    def subject(self, subject: Subject) -> str:
        """The pods that a difference is about."""
        found = self.pods(subject.namespace, subject.pods)
        service = subject.service
        return found if service is None or found == str(service) else f"{service} ({labels(subject.pods)})"

    def peer(self, peer: Peer, own: str) -> str:
        """A peer in the policies of the namespace `own`."""
        match peer:
            case PodPeer(pods, None):
                return self.pods(own, pods)
            case PodPeer(pods, Selector() as inside):
                name = inside.labels().get(NAMESPACE_LABEL)
                if name is not None and len(inside.requirements) == 1:
                    return self.pods(name, pods)
                where = "every namespace" if inside.is_empty else f"namespaces with {selector(inside)}"
                return f"{labels(pods)} in {where}"
            case AddressPeer(cidr, excluded):
                return f"{cidr} except {', '.join(excluded)}" if excluded else cidr
            case NamePeer(pattern):
                return pattern
            case EntityPeer(entity):
                return ENTITIES[entity]
            case LookupPeer(resolver, names):
                more = f" and {len(names) - _MOST_NAMES} more names" if len(names) > _MOST_NAMES else ""
                return f"{self.peer(resolver, own)} for {', '.join(names[:_MOST_NAMES])}{more}"
            case _:
                return "anywhere"

    def flow(self, difference: Difference) -> str:
        """Source, destination and ports: `shop/search -> shop/database 5432`."""
        subject, peer = self.subject(difference.subject), self.peer(difference.peer, difference.subject.namespace)
        ends = (peer, subject) if difference.direction is Direction.INGRESS else (subject, peer)
        return f"{ends[0]} -> {ends[1]} {ports(difference.ports)}"

    def difference(self, difference: Difference) -> str:
        """The whole sentence, but for places in files."""
        match difference.kind:
            case Kind.MISSING:
                entry = difference.origin.text if difference.origin else "it is not isolated in this direction"
                cut = ", ".join(str(cause) for cause in difference.causes)
                return f"missing: {self.flow(difference)}: declared ({entry}), not allowed by {cut}"
            case Kind.EXTRA:
                opened = ", ".join(str(cause) for cause in difference.causes)
                return f"extra: {self.flow(difference)}: not declared, allowed by {opened}"
            case Kind.NOT_ISOLATED:
                return f"not isolated: {self.flow(difference)}: no policy selects these pods for {difference.direction}"


def labels(pods: Selector) -> str:
    """Pods by their labels."""
    return "all pods" if pods.is_empty else f"pods {selector(pods)}"


def selector(found: Selector) -> str:
    """A selector as kubectl writes it."""
    said = []
    for r in found.requirements:
        match r.operator:
            case Operator.IN if len(r.values) == 1:
                said.append(f"{r.key}={r.values[0]}")
            case Operator.IN:
                said.append(f"{r.key} in ({','.join(r.values)})")
            case Operator.NOT_IN if len(r.values) == 1:
                said.append(f"{r.key}!={r.values[0]}")
            case Operator.NOT_IN:
                said.append(f"{r.key} notin ({','.join(r.values)})")
            case Operator.EXISTS:
                said.append(r.key)
            case Operator.DOES_NOT_EXIST:
                said.append(f"!{r.key}")
    return ",".join(said)


def ports(found: PortSet) -> str:
    """Ports, the first of many."""
    if found == portsets.ALL:
        return "on every port"
    more = f" and {len(found) - _MOST_PORTS} more" if len(found) > _MOST_PORTS else ""
    return ", ".join(str(port) for port in found[:_MOST_PORTS]) + more
