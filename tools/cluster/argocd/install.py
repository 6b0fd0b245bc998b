"""What Argo CD needs in the cluster, from its own manifests: CRDs, settings, a ServiceAccount with its roles."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.cluster.argocd.commands import CONTROLLER, NAMESPACE
from tools.cluster.controlplane import Cluster
from tools.cluster.launch import ClusterError
from tools.cluster.toolchain import find_kubectl

_PARTS = ("base/config", "base/application-controller-roles", "cluster-rbac/application-controller")
_TOKEN = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{CONTROLLER}/token"
_TOKEN_SECONDS = 24 * 3600
_PROJECTS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/appprojects"
_SERVED_SECONDS = 60.0

_NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
_PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}


def install(cluster: Cluster, manifests: Path, components: Iterable[Path], work: Path) -> str:
    """Install it, with kustomize components and files made in `work`; the application controller's token.

    Raises ClusterError.
    """
    _kubectl(cluster, "apply", "--server-side", "-k", str(manifests / "crds"))
    _wait_for_projects(cluster)
    _kubectl(cluster, "apply", "--server-side", "-k", str(_overlay(manifests, components, work)))
    spec = {"expirationSeconds": _TOKEN_SECONDS}
    status, answer = cluster.request("POST", _TOKEN, {"spec": spec})
    if status != 201:
        raise ClusterError(f"no token for {CONTROLLER}: {answer}")
    return str(answer["status"]["token"])


def _overlay(manifests: Path, components: Iterable[Path], work: Path) -> Path:
    """A kustomization of the parts, in JSON, which is YAML."""
    folder = work / "install"
    folder.mkdir()
    _write(folder / "namespace.yaml", _NAMESPACE)
    _write(folder / "project.yaml", _PROJECT)
    # argocd-server would make this key; there is none here.
    key = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-secret"}}
    key |= {"stringData": {"server.secretkey": secrets.token_urlsafe(32)}}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": ["namespace.yaml", "project.yaml", *(_path(manifests / part, folder) for part in _PARTS)],
        "components": [_path(component, folder) for component in components],
        "patches": [{"patch": json.dumps(key)}],
    }
    _write(folder / "kustomization.yaml", kustomization)
    return folder


def _wait_for_projects(cluster: Cluster) -> None:
    """`kubectl wait` fails on a CRD that has no conditions yet."""
    deadline = time.monotonic() + _SERVED_SECONDS
    while cluster.request("GET", _PROJECTS)[0] != 200:
        if time.monotonic() > deadline:
            raise ClusterError(f"the API server does not serve AppProjects after {_SERVED_SECONDS:.0f} s")
        time.sleep(0.05)


def _path(target: Path, folder: Path) -> str:
    return os.path.relpath(target.resolve(), folder.resolve())


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


def _kubectl(cluster: Cluster, *arguments: str) -> None:
    command = [str(find_kubectl()), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"kubectl {' '.join(arguments)} failed:\n{done.stderr}")
