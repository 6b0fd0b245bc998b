"""What the compiler wrote for a folder of graphs, as a case: the pods it was written for, and others."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import yaml

from servicegraph.verify.ends import NamedPort, Pod
from tests.oracle.addresses import blocks, borders
from tests.oracle.cases import Case, Manifest
from tools.generate import OUTPUT

NAME_LABEL = "kubernetes.io/metadata.name"
ELSEWHERE = "elsewhere"
ADDRESSES = 12


def compiled(folder: Path) -> Case:
    """The policies in the rendered file of a folder; pods of its workloads, pods with exactly the labels that a
    selector names, and in every namespace one without labels."""
    policies = tuple(m for m in _read(folder / OUTPUT) if m["kind"] == "NetworkPolicy")
    given = [m for file in sorted(folder.glob("*.yaml")) if file.name != OUTPUT for m in _read(file) if "kind" in m]
    pods = {(pod.namespace, tuple(sorted(pod.labels.items())), pod.named_ports): pod for pod in _pods(given)}
    namespaces = {m["metadata"]["name"]: m["metadata"].get("labels", {}) for m in given if m["kind"] == "Namespace"}
    for namespace, labels in _selected(policies):
        if not any(p.namespace == namespace and labels.items() <= p.labels.items() for p in pods.values()):
            pods[namespace, tuple(sorted(labels.items())), ()] = Pod(namespace, labels)
    bare = sorted({pod.namespace for pod in pods.values()} | set(namespaces) | {ELSEWHERE})
    every = [*pods.values(), *(Pod(namespace) for namespace in bare)]
    named = tuple(Pod(p.namespace, p.labels, p.named_ports, name=f"pod{number}") for number, p in enumerate(every))
    near = sorted({address for cidr in blocks(policies) for address in borders(cidr)} | {"8.8.8.8"})
    addresses = Random(folder.name).sample(near, min(ADDRESSES, len(near)))
    return Case(folder.name, {n: namespaces.get(n, {}) for n in bare}, named, tuple(addresses), policies)


def _read(file: Path) -> list[Manifest]:
    return [manifest for manifest in yaml.load_all(file.read_text(), yaml.CSafeLoader) if manifest]


def _pods(manifests: list[Manifest]) -> Iterator[Pod]:
    for manifest in manifests:
        namespace = manifest.get("metadata", {}).get("namespace", "default")
        for pod in _templates(manifest):
            if not pod["spec"].get("hostNetwork"):
                ports = (port for container in pod["spec"].get("containers", ()) for port in container.get("ports", ()))
                named = (
                    NamedPort(p["name"], p.get("protocol", "TCP"), p["containerPort"]) for p in ports if "name" in p
                )
                yield Pod(namespace, pod.get("metadata", {}).get("labels") or {}, tuple(named))


def _templates(value: Any) -> Iterator[Mapping[str, Any]]:
    """Pods, and templates of pods at any depth."""
    if isinstance(value, Mapping):
        if value.get("kind") == "Pod":
            yield value
        for key, inner in value.items():
            if key == "template" and isinstance(inner, Mapping) and "spec" in inner:
                yield inner
            yield from _templates(inner)


def _selected(policies: tuple[Manifest, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Namespaces and labels that some selector names without expressions."""
    for policy in policies:
        own, spec = policy["metadata"]["namespace"], policy["spec"]
        yield own, spec["podSelector"].get("matchLabels", {})
        rules = [*spec.get("ingress", ()), *spec.get("egress", ())]
        for peer in (peer for rule in rules for side in ("from", "to") for peer in rule.get(side, ())):
            if "ipBlock" not in peer:
                named = peer.get("namespaceSelector", {}).get("matchLabels", {}).get(NAME_LABEL)
                yield named or own, peer.get("podSelector", {}).get("matchLabels", {})
