"""Policies with every default of the API reference written out, for engines that do not know the defaults.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/#NetworkPolicySpec: "If this
field [policyTypes] is not specified, it will default based on the existence of ingress or egress rules; policies that
contain an egress section are assumed to affect egress, and all policies (whether or not they contain an ingress
section) are assumed to affect ingress." The API server takes a section without rules for none
(SetDefaults_NetworkPolicy in k8s.io/kubernetes/pkg/apis/networking/v1/defaults.go).
"""

from typing import Any

from tests.oracle.cases import Manifest

SIDES = {"Ingress": "ingress", "Egress": "egress"}


def explicit(manifest: Manifest) -> dict[str, Any]:
    """The same policy with policyTypes, rules of exactly those types, a podSelector, and no nulls."""
    spec = without_nulls(manifest["spec"])
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    spec["policyTypes"] = [direction for direction in SIDES if direction in types]
    spec.setdefault("podSelector", {})
    for direction, section in SIDES.items():
        spec.pop(section, None) if direction not in types else spec.setdefault(section, [])
    metadata = {key: manifest["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata, "spec": spec}


def without_nulls(value: Any) -> Any:
    """A copy without the fields that are null: to the API server they are not there."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(inner) for inner in value]
    return value
