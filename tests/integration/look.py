"""What tests look at: the conditions of a graph and the policies of a namespace."""

from typing import Any

from tests.integration.kube import Kube, Object


def condition(kube: Kube, namespace: str, name: str, kind: str, field: str = "status") -> str | None:
    """A field of a condition, once the status speaks of the present generation."""
    found = kube.get("ServiceGraph", namespace, name)
    if found is None or found.get("status", {}).get("observedGeneration") != found["metadata"]["generation"]:
        return None
    return next((c[field] for c in found["status"]["conditions"] if c["type"] == kind), None)


def policies(kube: Kube, namespace: str) -> dict[str, Object]:
    """Policies by the service they are for."""
    items = kube.list("NetworkPolicy", namespace)
    return {item["metadata"]["name"].rpartition("-")[0].removeprefix("sg-"): item for item in items}


def versions(kube: Kube, namespace: str) -> dict[str, str]:
    return {p["metadata"]["name"]: p["metadata"]["resourceVersion"] for p in kube.list("NetworkPolicy", namespace)}


def peers(policy: Object, direction: str) -> list[Any]:
    """The peers of all rules of a direction, with the ports."""
    side = "from" if direction == "ingress" else "to"
    return [
        (peer["podSelector"]["matchLabels"], [port["port"] for port in rule["ports"]])
        for rule in policy["spec"].get(direction, [])
        for peer in rule[side]
    ]
