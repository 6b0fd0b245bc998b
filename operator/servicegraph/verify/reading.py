"""Manifests of every kind of policy that is modelled."""

from collections.abc import Mapping
from typing import Any

from servicegraph.verify import cilium, networkpolicies
from servicegraph.verify.policies import CILIUM_KIND, NetworkPolicy


def read(manifest: Mapping[str, Any], namespace: str | None = None) -> NetworkPolicy:
    """The policy of a manifest; `namespace` is for one that names none (`default`). Raises PolicyError."""
    if manifest.get("kind") == CILIUM_KIND:
        return cilium.read(manifest, namespace)
    return networkpolicies.read(manifest, namespace)
