"""Builds etcd and the Kubernetes control plane from their Go modules, once per version, into the cache."""

from dataclasses import dataclass
from pathlib import Path

from tools.cluster.gobuild import Build, ensure, folder_of
from tools.cluster.toolchain import find_go

KUBERNETES_VERSION = "v1.36.3"
_VERSION_PACKAGE = "k8s.io/component-base/version"
_STAMPS = {"gitVersion": KUBERNETES_VERSION, "gitMajor": "1", "gitMinor": "36"}
KUBERNETES_LDFLAGS = " ".join(["-s -w", *(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in _STAMPS.items())])

BUILDS = (
    Build("etcd", ("go.etcd.io/etcd/server/v3",), "-s -w", "etcd", "etcd", "about 1 min"),
    Build(
        "kubernetes",
        ("k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        KUBERNETES_LDFLAGS,
        "",
        "kube-apiserver and kube-controller-manager",
        "about 7 min",
    ),
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of the control plane."""

    folder: Path

    @property
    def etcd(self) -> Path:
        """The etcd server."""
        return self.folder / "etcd"

    @property
    def kube_apiserver(self) -> Path:
        """The Kubernetes API server."""
        return self.folder / "kube-apiserver"

    @property
    def kube_controller_manager(self) -> Path:
        """The controllers: garbage collection, namespaces, service accounts, endpoints, workloads."""
        return self.folder / "kube-controller-manager"


def built() -> Binaries | None:
    """The binaries if they are in the cache. Raises InstallError when there is no Go toolchain and none can be had."""
    folder = folder_of(find_go(), BUILDS)
    return Binaries(folder) if folder.is_dir() else None


def ensure_built() -> Binaries:
    """The binaries, built now if the cache has none; progress goes to stderr.

    A second caller waits for the first. Raises BuildError, InstallError.
    """
    return Binaries(
        ensure(find_go(), BUILDS, "it builds the embedded control plane, about 8 min from an empty Go cache")
    )
