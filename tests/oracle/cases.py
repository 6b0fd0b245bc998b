"""A cluster, policies, and the questions that engines are asked about them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from servicegraph.model.ports import Protocol
from servicegraph.verify.ends import Address, End, Pod

Manifest = Mapping[str, Any]
PROTOCOLS: tuple[Protocol, ...] = ("TCP", "UDP", "SCTP")
FIRST, LAST = 1, 65535


class Question(NamedTuple):
    """May `source` open a connection to this port of `destination`? Ends by name: `namespace/pod`, or an address."""

    source: str
    destination: str
    protocol: Protocol
    port: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} {self.protocol} {self.port}"


@dataclass(frozen=True)
class Case:
    """What a question is about. Every pod has a name; namespaces carry the label of their name only if it is said."""

    name: str
    namespaces: Mapping[str, Mapping[str, str]]
    pods: tuple[Pod, ...]
    addresses: tuple[str, ...]
    policies: tuple[Manifest, ...]

    @cached_property
    def ends(self) -> Mapping[str, End]:
        """Every end by its name."""
        pods: dict[str, End] = {f"{pod.namespace}/{pod.name}": pod for pod in self.pods}
        return pods | {ip: Address(ip) for ip in self.addresses}

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """The labels of a namespace as the API server keeps them: its name is always one."""
        return {**self.namespaces.get(namespace, {}), "kubernetes.io/metadata.name": namespace}


def questions(case: Case) -> Iterator[Question]:
    """Every pair of ends with a pod among them, but no pod with itself, on every port where an answer can change."""
    ports = list(interesting_ports(case))
    for (source, one), (destination, other) in product(case.ends.items(), repeat=2):
        if source != destination and (isinstance(one, Pod) or isinstance(other, Pod)):
            for protocol, port in product(PROTOCOLS, ports):
                yield Question(source, destination, protocol, port)


def interesting_ports(case: Case) -> Iterable[int]:
    """Every number that the case names, what lies beside it, and both ends of the range.

    Between two neighbours of these nothing changes, so a set of ports is compared whole by asking for each.
    """
    named = {port.number for pod in case.pods for port in pod.named_ports}
    for policy in case.policies:
        for rules in (policy["spec"].get("ingress"), policy["spec"].get("egress")):
            for port in (port for rule in rules or () for port in rule.get("ports") or ()):
                named |= {n for n in (port.get("port"), port.get("endPort")) if isinstance(n, int)}
    around = {n + step for n in named for step in (-1, 0, 1)} | {FIRST, LAST}
    return sorted(n for n in around if FIRST <= n <= LAST)
