"""What a NetworkPolicy says, as lines for people, and how two states of one differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
SERVICE_LABEL = "servicegraph.dev/service"

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One peer of one rule. `direction` is "from" or "to"."""

    direction: str
    peer: str
    ports: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a policy allows now and did not before, and the other way round."""

    added: tuple[Line, ...]
    removed: tuple[Line, ...]


def subject(policy: Manifest) -> str:
    """The pods it isolates."""
    return selector(policy["spec"]["podSelector"])


def lines(policy: Manifest) -> tuple[Line, ...]:
    """All it allows: first who may reach its pods, then whom they may reach."""
    spec = policy["spec"]
    return (*_lines(spec.get("ingress") or (), "from"), *_lines(spec.get("egress") or (), "to"))


def difference(before: Manifest, after: Manifest) -> Difference:
    """How what they allow differs."""
    old, new = lines(before), lines(after)
    return Difference(tuple(line for line in new if line not in old), tuple(line for line in old if line not in new))


def annotated(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """The annotations that are not the same."""
    old, new = (one["metadata"].get("annotations", {}) for one in (before, after))
    return tuple(sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)))


def peers(policy: Manifest) -> frozenset[str]:
    """The peers it names."""
    return frozenset(line.peer for line in lines(policy))


def selector(found: Mapping[str, Any]) -> str:
    """A metav1.LabelSelector in the notation of `kubectl get --selector`."""
    labels = [f"{key}={value}" for key, value in sorted(found.get("matchLabels", {}).items())]
    expressions = [_expression(one) for one in found.get("matchExpressions", ())]
    return ",".join(labels + expressions) or "all pods"


def labelled(labels: Mapping[str, str]) -> str:
    """The selector of these labels, in the same notation."""
    return selector({"matchLabels": labels})


def policies_of(found: Mapping[str, Manifest], service: str) -> dict[str, Manifest]:
    """Those that were made for a service."""
    return {name: one for name, one in found.items() if one["metadata"]["labels"].get(SERVICE_LABEL) == service}


def carriers(pods: Mapping[str, Manifest], labels: Mapping[str, str]) -> list[str]:
    """The pods that carry these labels."""
    return [name for name, pod in pods.items() if labels.items() <= pod["metadata"].get("labels", {}).items()]


def owner(policy: Manifest, part: str) -> str:
    """The field manager that wrote a part of the spec last: what was changed has one owner."""
    entries = policy["metadata"]["managedFields"]
    return str(next(entry["manager"] for entry in entries if f"f:{part}" in entry["fieldsV1"].get("f:spec", {})))


def _expression(one: Mapping[str, Any]) -> str:
    key, values = one["key"], ",".join(one.get("values", ()))
    match one["operator"]:
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "Exists":
            return str(key)
        case _:
            return f"!{key}"


def _lines(rules: Any, direction: str) -> Iterator[Line]:
    for rule in rules:
        ports = " ".join(_port(port) for port in rule.get("ports", ())) or "every port"
        peers: list[Mapping[str, Any]] = rule.get(direction) or [{}]
        for peer in peers:
            yield Line(direction, _peer(peer), ports)


def _peer(peer: Mapping[str, Any]) -> str:
    if not peer:
        return "anyone"
    if block := peer.get("ipBlock"):
        return str(block["cidr"]) + "".join(f" except {cidr}" for cidr in block.get("except", ()))
    pods = selector(peer.get("podSelector", {}))
    if "namespaceSelector" not in peer:
        return pods
    labels = peer["namespaceSelector"].get("matchLabels", {})
    where = labels[NAMESPACE_LABEL] if set(labels) == {NAMESPACE_LABEL} else selector(peer["namespaceSelector"])
    return f"{pods} in {where}"


def _port(port: Mapping[str, Any]) -> str:
    end = f"-{port['endPort']}" if "endPort" in port else ""
    return f"{port.get('port', '*')}{end}/{port.get('protocol', 'TCP')}"
