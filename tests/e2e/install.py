"""The operator in the cluster under test: as a user installs it, with another profile for some tests."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.contract import ROOT
from tests.integration.kube import Kube, Object
from tests.waiting import PATIENCE, SECONDS

SYSTEM = "servicegraph-system"
OPERATOR = "servicegraph-operator"
IMAGE = "SERVICEGRAPH_E2E_IMAGE"

_PROFILE = "servicegraph-profile-e2e"


@contextmanager
def installed(kube: Kube) -> Iterator[Kube]:
    """The cluster with a Ready operator: the one that is there, else config/ with the image that is named."""
    there = kube.get("Deployment", SYSTEM, OPERATOR) is not None
    image = os.environ.get(IMAGE)
    if not there and not image:
        pytest.exit(f"no operator in this cluster: install it (docs/install.md), or name its image in {IMAGE}", 2)
    manifests = "" if there else _manifests(image or "")
    if manifests:
        _kubectl("apply", "--server-side", "--kustomize", str(ROOT / "config" / "crd"))
        _kubectl("apply", "--server-side", "--filename", "-", stdin=manifests)
    try:
        rolled_out()
        yield kube
    finally:
        if manifests:
            _kubectl("delete", "--wait=false", "--filename", "-", stdin=manifests)


@contextmanager
def profiled(kube: Kube, changes: Object) -> Iterator[None]:
    """The operator with top-level fields of its ClusterProfile replaced."""
    own = _own_profile(kube)
    profile = yaml.safe_load(own["data"]["profile.yaml"]) | changes
    meta = {"name": _PROFILE, "namespace": SYSTEM}
    data = {"profile.yaml": yaml.safe_dump(profile)}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    try:
        _mount(kube, _PROFILE)
        yield
    finally:
        _mount(kube, own["metadata"]["name"])
        kube.delete("ConfigMap", SYSTEM, _PROFILE)


def rolled_out() -> None:
    """Wait until the operator runs as its Deployment says."""
    _kubectl("rollout", "status", f"deployment/{OPERATOR}", "--namespace", SYSTEM, f"--timeout={SECONDS:.0f}s")


def _own_profile(kube: Kube) -> Object:
    """The ConfigMap of the profile that it was installed with, also where a killed run left ours mounted."""
    mounted: str = next(v["configMap"]["name"] for v in _volumes(kube) if v["name"] == "profile")
    found = kube.list("ConfigMap", SYSTEM)
    if mounted == _PROFILE:
        made = (c["metadata"]["name"] for c in found if c["metadata"]["name"].startswith("servicegraph-profile-"))
        mounted = next(name for name in made if name != _PROFILE)
    return next(config for config in found if config["metadata"]["name"] == mounted)


def _mount(kube: Kube, profile: str) -> None:
    volumes = [v if v["name"] != "profile" else {**v, "configMap": {"name": profile}} for v in _volumes(kube)]
    kube.patch("Deployment", SYSTEM, OPERATOR, {"spec": {"template": {"spec": {"volumes": volumes}}}})
    rolled_out()


def _volumes(kube: Kube) -> list[Any]:
    deployment = kube.get("Deployment", SYSTEM, OPERATOR)
    assert deployment is not None
    found: list[Any] = deployment["spec"]["template"]["spec"]["volumes"]
    return found


def _manifests(image: str) -> str:
    objects = list(yaml.safe_load_all(_kubectl("kustomize", str(ROOT / "config" / "default"))))
    for found in objects:
        if found["kind"] == "Deployment":
            found["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return str(yaml.safe_dump_all(objects))


def _kubectl(*args: str, stdin: str | None = None) -> str:
    done = subprocess.run(["kubectl", *args], input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr.strip()}"
    return done.stdout
