"""The objects that are applied: read from the repository, moved to the namespace where the story plays."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tools.demo.programs import CHECKOUT, output

Manifest = dict[str, Any]

SHOP = CHECKOUT / "examples" / "shop"
GRAPH_FILE = SHOP / "servicegraph.yaml"
APP_FILE = SHOP / "app.yaml"
CONFIG = CHECKOUT / "config"
DNS_FILE = Path(__file__).with_name("kube-dns.yaml")

_PLURALS = {"NetworkPolicy": "networkpolicies"}


def read(path: Path) -> list[Manifest]:
    """The documents of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


async def kustomized(kubectl: Path, *folders: Path) -> list[Manifest]:
    """What `kubectl kustomize` makes of these folders. Raises DemoError."""
    built = [
        await output(str(kubectl), "kustomize", str(folder), what=f"kubectl kustomize {folder}") for folder in folders
    ]
    return [document for text in built for document in yaml.safe_load_all(text) if document]


def moved(manifests: Iterable[Manifest], namespace: str) -> list[Manifest]:
    """The same objects in one other namespace, which a Namespace among them becomes."""
    return [_moved(manifest, namespace) for manifest in manifests]


def path_of(manifest: Mapping[str, Any]) -> str:
    """The URL path of the object."""
    metadata = manifest["metadata"]
    return f"{collection(manifest['apiVersion'], manifest['kind'], metadata.get('namespace'))}/{metadata['name']}"


def collection(api_version: str, kind: str, namespace: str | None = None) -> str:
    """The URL path of the objects of a kind, in one namespace where it is named."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{inside}/{_PLURALS.get(kind, kind.lower() + 's')}"


def _moved(manifest: Manifest, namespace: str) -> Manifest:
    found = deepcopy(manifest)
    found["metadata"]["name" if found["kind"] == "Namespace" else "namespace"] = namespace
    for subject in found.get("subjects", ()):
        subject["namespace"] = namespace
    return found


def compact(value: object) -> str:
    """As one line of JSON."""
    return json.dumps(value, separators=(",", ":"))
