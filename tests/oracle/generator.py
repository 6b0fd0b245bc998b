"""Random clusters and policies, stranger than anybody writes them. A seed gives the same case every time."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from random import Random
from typing import Any, TypeVar

from servicegraph.verify.ends import NamedPort, Pod
from tests.oracle.addresses import blocks, borders
from tests.oracle.cases import PROTOCOLS, Case, Manifest
from tests.oracle.minimize import is_valid, lessened

T = TypeVar("T")

NAMESPACES = ("left", "right", "a-third", "n4", "nobody-here")
KEYS = ("app", "tier", "example.com/part-of")
VALUES = ("a", "b", "", "1", "A.b_c-true")
NAMESPACE_KEYS = ("team", "app")
NAME_KEY = "kubernetes.io/metadata.name"
PORT_NAMES = ("http", "dns", "metrics", "8080-tcp", "a")
NUMBERS = (1, 53, 80, 81, 443, 8080, 9090, 65534, 65535)
BLOCKS = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.20.0.0/16",
    "198.51.100.7/32",
    "203.0.113.0/24",
    "203.0.113.128/25",
    "128.0.0.0/1",
    "10.20.30.40/12",
    "::/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8::1/128",
    "8000::/1",
    "2001:db8:0:7::9/47",
)
STRANGERS = ("8.8.8.8", "198.51.100.7", "0.0.0.1", "255.255.255.254", "2001:db8::1", "2606:4700::1111")
MISSING = object()


def generate(seed: int) -> Case:
    """The case of a seed."""
    return _Generator(Random(seed)).case(str(seed))


EDITS = ("add", "remove", "lessen", "lessen")


def edited(case: Case, seed: int, edits: Sequence[str] = EDITS) -> Case:
    """The case after a few edits of its policies: one more, one less, a field or an item less."""
    random = Random(seed)
    policies = list(case.policies)
    for number in range(random.randint(1, 3)):
        edit = random.choice(edits)
        if edit == "add" or not policies:
            inhabited = sorted({pod.namespace for pod in case.pods})
            policies.append(_Generator(random).policy(f"new{number}", inhabited))
        else:
            changed = policies.pop(random.randrange(len(policies)))
            if edit == "lessen":
                lesser = [{**changed, "spec": spec} for spec in lessened(changed["spec"])]
                policies.append(random.choice([p for p in lesser if is_valid(p)] or [changed]))
    return replace(case, policies=tuple(policies))


class _Generator:
    def __init__(self, random: Random) -> None:
        self._random = random

    def case(self, name: str) -> Case:
        namespaces = {name: self._namespace_labels() for name in self._some(NAMESPACES, 2, 3)}
        inhabited = [name for name in namespaces if name != "nobody-here"]
        pods = self._pods(inhabited)
        policies = tuple(self.policy(f"p{n}", inhabited) for n in range(self._random.randint(1, 7)))
        return Case(name, namespaces, pods, self._addresses(policies), policies)

    def _namespace_labels(self) -> dict[str, str]:
        return {key: self._random.choice(VALUES) for key in self._some(NAMESPACE_KEYS, 0, 2)}

    def _pods(self, namespaces: Sequence[str]) -> tuple[Pod, ...]:
        pods: list[Pod] = []
        for number in range(self._random.randint(3, 7)):
            labels = {key: self._random.choice(VALUES) for key in self._some(KEYS, 0, 3)}
            if pods and self._chance(0.25):
                labels = dict(self._random.choice(pods).labels)
            pods.append(Pod(self._random.choice(namespaces), labels, self._named_ports(), name=f"pod{number}"))
        return tuple(pods)

    def _named_ports(self) -> tuple[NamedPort, ...]:
        names = self._some(PORT_NAMES, 0, 4)
        return tuple(NamedPort(n, self._random.choice(PROTOCOLS), self._random.choice(NUMBERS)) for n in names)

    def policy(self, name: str, namespaces: Sequence[str]) -> Manifest:
        directions: list[Any] = [MISSING, None, [], ["Ingress"], ["Egress"]]
        directions += [["Ingress", "Egress"], ["Egress", "Ingress"], ["Ingress", "Ingress"], ["Egress", "Egress"]]
        spec = {
            "podSelector": self._either(0.1, (MISSING, None), lambda: self._selector(KEYS, VALUES)),
            "policyTypes": self._random.choice(directions),
            "ingress": self._either(0.3, (MISSING, None, []), lambda: self._rules("from")),
            "egress": self._either(0.3, (MISSING, None, []), lambda: self._rules("to")),
        }
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": self._random.choice(namespaces)},
            "spec": _present(spec),
        }

    def _rules(self, side: str) -> list[Any]:
        return [
            _present(
                {
                    side: self._either(0.2, (MISSING, None, []), lambda: self._list(self._peer)),
                    "ports": self._either(0.35, (MISSING, None, []), lambda: self._list(self._port)),
                }
            )
            for _ in range(self._random.randint(1, 3))
        ]

    def _peer(self) -> dict[str, Any]:
        kind = self._random.choice(("pods", "namespaces", "both", "both", "block"))
        if kind == "block":
            return {"ipBlock": self._block()}
        peer = {}
        if kind != "namespaces":
            peer["podSelector"] = self._selector(KEYS, VALUES)
        if kind != "pods":
            peer["namespaceSelector"] = (
                self._selector((NAME_KEY,), NAMESPACES) if self._chance(0.4) else self._selector(NAMESPACE_KEYS, VALUES)
            )
        return peer

    def _block(self) -> dict[str, Any]:
        cidr = self._random.choice(BLOCKS)
        inner = [block for block in BLOCKS if _inside(block, cidr)]
        exceptions = self._either(0.3, (MISSING, None, []), lambda: self._some(inner, 0, 2))
        return _present({"cidr": cidr, "except": exceptions})

    def _port(self) -> dict[str, Any]:
        protocol = self._either(0.3, (MISSING, None), lambda: self._random.choice(PROTOCOLS))
        kind = self._random.choice(("any", "number", "number", "name", "name", "range"))
        if kind == "any":
            return _present({"protocol": protocol, "port": self._random.choice((MISSING, None))})
        if kind == "name":
            return _present({"protocol": protocol, "port": self._random.choice((*PORT_NAMES, "nobody-has-it"))})
        first, last = sorted(self._random.choices(NUMBERS, k=2))
        return _present({"protocol": protocol, "port": first, "endPort": last if kind == "range" else MISSING})

    def _selector(self, keys: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
        if self._chance(0.2):
            return self._random.choice(({}, {"matchLabels": {}}, {"matchExpressions": []}, {"matchLabels": None}))
        requirements = self._random.choice((1, 1, 1, 2, 3))
        said = self._random.randint(0, requirements)
        labels = {key: self._random.choice(values) for key in self._some(keys, said, said)}
        expressions = [self._expression(keys, values) for _ in range(requirements - said)]
        return _present({"matchLabels": labels or MISSING, "matchExpressions": expressions or MISSING})

    def _expression(self, keys: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
        operator = self._random.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        said: Any = self._random.choices(values, k=self._random.randint(1, 3))
        if operator in ("Exists", "DoesNotExist"):
            said = self._random.choice((MISSING, None, []))
        return _present({"key": self._random.choice(keys), "operator": operator, "values": said})

    def _addresses(self, policies: Sequence[Manifest]) -> tuple[str, ...]:
        """Addresses on either side of the borders of the blocks that occur, and some that nobody mentions."""
        near = [self._random.choice(borders(cidr)) for cidr in self._some(sorted(blocks(policies)), 0, 2)]
        return tuple(sorted({*near, *self._some(STRANGERS, 1, 2)}))

    def _list(self, make: Any) -> list[Any]:
        return [make() for _ in range(self._random.randint(1, 3))]

    def _some(self, of: Sequence[T], least: int, most: int) -> list[T]:
        return self._random.sample(of, min(len(of), self._random.randint(least, most)))

    def _either(self, chance: float, these: Sequence[Any], make: Any) -> Any:
        return self._random.choice(these) if self._chance(chance) else make()

    def _chance(self, of: float) -> bool:
        return self._random.random() < of


def _inside(inner: str, outer: str) -> bool:
    one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    return one != other and one.version == other.version and other.supernet_of(one)  # type: ignore[arg-type]


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not MISSING}
