"""Pods by what selectors ask of them, and selectors by the pods they may ask for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from servicegraph.model.policy import PodPeer
from servicegraph.model.selectors import NAMESPACE_LABEL, Selector
from servicegraph.verify.ends import Pod
from servicegraph.verify.policies import NetworkPolicy

Label = tuple[str, str]


class PodIndex:
    """Pods by number, found by namespace and label."""

    def __init__(self, pods: Sequence[Pod], namespaces: Mapping[str, Mapping[str, str]]) -> None:
        self._pods = pods
        self._namespaces = namespaces
        self._in: dict[str, list[int]] = defaultdict(list)
        self._labelled: dict[tuple[str, Label], list[int]] = defaultdict(list)
        for number, pod in enumerate(pods):
            if not pod.host_network:
                self._in[pod.namespace].append(number)
                for label in pod.labels.items():
                    self._labelled[pod.namespace, label].append(number)
        self.of_peer = cache(self._of_peer)

    def _of_peer(self, peer: PodPeer, own: str) -> tuple[int, ...]:
        """The pods of a peer in policies of the namespace `own`."""
        places = [own] if peer.namespaces is None else self._places(peer.namespaces)
        return tuple(number for place in places for number in self.selected(place, peer.pods))

    def selected(self, namespace: str, selector: Selector) -> list[int]:
        """The pods of a namespace that a selector selects."""
        pinned = selector.labels()
        candidates = self._in.get(namespace, [])
        if pinned:
            candidates = min((self._labelled.get((namespace, label), []) for label in pinned.items()), key=len)
        return [number for number in candidates if selector.matches(self._pods[number].labels)]

    def _places(self, selector: Selector) -> list[str]:
        pinned = selector.labels().get(NAMESPACE_LABEL)
        names: Iterable[str] = [pinned] if pinned else sorted(self._in)
        return [n for n in names if selector.matches({**self._namespaces.get(n, {}), NAMESPACE_LABEL: n})]


def isolating(policies: Iterable[NetworkPolicy], index: PodIndex) -> dict[int, list[NetworkPolicy]]:
    """The policies that select each pod; pods that none selects are left out."""
    found: dict[int, list[NetworkPolicy]] = defaultdict(list)
    for policy in policies:
        for number in index.selected(policy.namespace, policy.subject):
            found[number].append(policy)
    return found
