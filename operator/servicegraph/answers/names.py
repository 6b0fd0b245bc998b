"""Selectors and peers by the names that people know them by."""

from collections import defaultdict
from collections.abc import Sequence

from servicegraph.answers.ends import Member, Party, example, pods_selected
from servicegraph.answers.scene import Scene
from servicegraph.compiler.entries import selector_text
from servicegraph.model.policy import AddressPeer, EntityPeer, LookupPeer, NamePeer, Peer, PodPeer
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import EVERYTHING, NAMESPACE_LABEL, Selector, implies
from servicegraph.verify.ends import Pod
from servicegraph.verify.words import ENTITIES

ANYWHERE = "anywhere"
_NAMES = 3


class Names:
    """The services of a scene by what selects them."""

    def __init__(self, scene: Scene) -> None:
        self._terms: dict[str, dict[Selector, list[ServiceKey]]] = defaultdict(dict)
        self._keys: set[ServiceKey] = set()
        for key in sorted(scene.services(), key=lambda key: (scene.declared(key) is None, key)):
            for term in scene.subject(key).terms:
                self._terms[key.namespace].setdefault(term.selector, []).append(key)
                self._keys.add(key)

    def service(self, namespace: str, pods: Selector) -> ServiceKey | None:
        """The service whose pods these are, or some of whose pods."""
        terms = self._terms.get(namespace, {})
        if pods in terms:
            return terms[pods][0]
        return next((keys[0] for term, keys in terms.items() if implies(pods, term)), None)

    def has(self, key: ServiceKey) -> bool:
        """Whether a service has pods of its own here."""
        return key in self._keys

    def exactly(self, namespace: str, pods: Selector) -> bool:
        """Whether these are all pods that one term of a service selects."""
        return pods in self._terms.get(namespace, {})


def pods_text(names: Sequence[Names], namespace: str, pods: Selector) -> str:
    """Pods of a namespace: a service where they are one's; the first that knows them says it."""
    for known in names:
        key = known.service(namespace, pods)
        if key is not None:
            whole = known.exactly(namespace, pods) and (known is names[0] or not names[0].has(key))
            return str(key) if whole else f"{key} (pods {selector_text(pods)})"
    return f"every other pod of {namespace}" if pods.is_empty else f"pods {selector_text(pods)} of {namespace}"


def peer_text(names: Sequence[Names], own: str, peer: Peer) -> str:
    """A peer in the policies of the namespace `own`."""
    match peer:
        case PodPeer(pods, namespaces):
            place = namespace_of(peer, own)
            if place is not None:
                return f"every pod of {place}" if pods.is_empty else pods_text(names, place, pods)
            if pods.is_empty and namespaces == EVERYTHING:
                return "every pod"
            return f"pods {selector_text(pods)} of namespaces {selector_text(namespaces or EVERYTHING)}"
        case AddressPeer(cidr, excluded):
            return f"{cidr} except {', '.join(excluded)}" if excluded else cidr
        case NamePeer(pattern):
            return pattern
        case EntityPeer(entity):
            return ENTITIES[entity]
        case LookupPeer(resolver, found):
            more = " and more" if len(found) > _NAMES else ""
            return f"{peer_text(names, own, resolver)} asked for {', '.join(found[:_NAMES])}{more}"
        case _:
            return ANYWHERE


def namespace_of(peer: PodPeer, own: str) -> str | None:
    """The one namespace a peer is in; None where it is in any that its selector selects."""
    if peer.namespaces is None:
        return own
    if len(peer.namespaces.requirements) == 1:
        return peer.namespaces.labels().get(NAMESPACE_LABEL)
    return None


def as_end(scene: Scene, namespace: str | None, pods: Selector) -> Party | None:
    """These pods as an end of a question: those that are known, and one such as tomorrow may bring; None: anywhere.

    Those in the host's network are none of them: no pod selector matches them.
    """
    if namespace is None:
        return None
    found = pods_selected(scene, namespace, pods)
    known = [member for member in found if isinstance(member.end, Pod) and not member.end.host_network]
    return Party("", (*known, Member("pods", Pod(namespace, example(pods)))))
