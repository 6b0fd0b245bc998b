"""What tests look at: the conditions of a graph and the policies of a namespace."""

import json
from typing import Any

from servicegraph.compiler.emit.names import LISTENING_ANNOTATION
from tests.integration.kube import Kube, Object


def status(kube: Kube, namespace: str, name: str) -> Object:
    """The status of a graph once it speaks of the present generation, {} until then."""
    found = kube.get("ServiceGraph", namespace, name)
    if found is None or found.get("status", {}).get("observedGeneration") != found["metadata"]["generation"]:
        return {}
    return dict(found["status"])


def condition(kube: Kube, namespace: str, name: str, kind: str, field: str = "status") -> str | None:
    """A field of a condition, once the status speaks of the present generation."""
    conditions = status(kube, namespace, name).get("conditions", ())
    return next((c[field] for c in conditions if c["type"] == kind), None)


def ready(kube: Kube, namespace: str, name: str = "shop") -> bool:
    """Whether a graph is Ready."""
    return condition(kube, namespace, name, "Ready") == "True"


def settled(kube: Kube, namespace: str, name: str = "shop") -> bool:
    """Whether a graph is Ready with all of its edges: it may be Ready before its Services are seen, with none."""
    conditions = {c["type"]: c["status"] for c in status(kube, namespace, name).get("conditions", ())}
    return conditions.get("Ready") == conditions.get("EdgesResolved") == "True"


def translated(kube: Kube, namespace: str) -> bool:
    """Whether each policy knows how a Service leads to its pods. Until that is seen, the workload of its name does."""
    annotations = [policy["metadata"].get("annotations", {}) for policy in kube.list("NetworkPolicy", namespace)]
    notes = [json.loads(found[LISTENING_ANNOTATION]) for found in annotations if LISTENING_ANNOTATION in found]
    return all(note["services"] for note in notes)


def complete(kube: Kube, namespace: str) -> bool:
    """Whether no write of a namespace is ahead: its graph is settled, and its policies are translated."""
    return settled(kube, namespace) and translated(kube, namespace)


def problems(kube: Kube, namespace: str, name: str = "shop") -> dict[str, str]:
    """Messages by code, leaving out that nothing enforces policies in a cluster without nodes."""
    found = {p["code"]: p["message"] for p in status(kube, namespace, name).get("problems", ())}
    return {code: message for code, message in found.items() if code != "NotEnforced"}


def edges(kube: Kube, namespace: str, name: str = "shop") -> dict[str, int]:
    """How many edges there are in each state, those with none left out."""
    return {state: count for state, count in status(kube, namespace, name).get("edges", {}).items() if count}


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
