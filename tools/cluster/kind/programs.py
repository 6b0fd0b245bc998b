"""The programs of the cluster, built from their Go modules into the cache."""

import shutil
from pathlib import Path

from tools.cluster.build import KUBERNETES_LDFLAGS, ensure_built
from tools.cluster.gobuild import Build, ensure, source
from tools.cluster.kind.command import run
from tools.cluster.toolchain import Go, find_go, go_environment

CILIUM_VERSION = "1.15.19"
_CILIUM = "github.com/cilium/cilium"
_KUBERNETES = "k8s.io/kubernetes"
_WAITING = "it builds programs of the kind cluster, some minutes from an empty Go cache"

KIND = Build("kind", ("sigs.k8s.io/kind",), "-s -w", "", "kind", "about 25 s")
# In one module with Kubernetes: what they share, half of what each is made of, is compiled once.
HELM = Build(
    "kubernetes", ("helm.sh/helm/v3/cmd/helm",), "-s -w", "", "helm", "about 1 min after the API server's build"
)
COREDNS = Build("kubernetes", (".",), "-s -w", "coredns", "CoreDNS", "about 1 min after the API server's build")
NODE = Build(
    "kubernetes",
    tuple(f"{_KUBERNETES}/cmd/{name}" for name in ("kubelet", "kubeadm", "kubectl", "kube-scheduler")),
    KUBERNETES_LDFLAGS,
    "",
    "kubelet, kubeadm, kubectl and kube-scheduler",
    "about 3 min after the API server's build",
)
CILIUM = Build(
    "cilium",
    tuple(
        f"{_CILIUM}/{folder}"
        for folder in (
            "daemon",
            "operator",
            "plugins/cilium-cni",
            "cilium-dbg",
            "cilium-health",
            "cilium-health/responder",
            "tools/mount",
            "tools/sysctlfix",
        )
    ),
    # Some of its dependencies link to internals of Go's runtime.
    f"-s -w -checklinkname=0 -X {_CILIUM}/pkg/version.ciliumVersion={CILIUM_VERSION}",
    "",
    "Cilium",
    "about 5 min",
)


def built(build: Build) -> Path:
    """The folder with the programs of one build, built now if the cache has none.

    Raises KindError, BuildError, InstallError.
    """
    if build is CILIUM:
        return ensure(find_go(), (build,), _WAITING, _for_any_kernel)
    return ensure(find_go(), (build,), _WAITING)


def ensure_all() -> None:
    """Build all that are missing. Raises KindError, BuildError, InstallError."""
    control_plane()
    for build in (KIND, HELM, CILIUM):
        built(build)


def control_plane() -> dict[str, Path]:
    """The programs that run as the control plane's containers. Raises BuildError, InstallError."""
    embedded = ensure_built()
    return {
        "etcd": embedded.etcd,
        "kube-apiserver": embedded.kube_apiserver,
        "kube-controller-manager": embedded.kube_controller_manager,
        "kube-scheduler": built(NODE) / "kube-scheduler",
        "coredns": built(COREDNS) / "coredns",
    }


def kind_source() -> Path:
    """The source of kind."""
    return source(find_go(), KIND, "sigs.k8s.io/kind")


def kubernetes_source() -> Path:
    """The source of Kubernetes."""
    return source(find_go(), NODE, _KUBERNETES)


def cilium_source() -> Path:
    """The source of Cilium: its chart, its eBPF programs and its scripts are used as they are."""
    return source(find_go(), CILIUM, _CILIUM)


def _for_any_kernel(go: Go, module: Path, work: Path) -> Path:
    """Cilium with one file changed: a kernel that has all it needs built in has no /proc/modules to read."""
    copy = work / "cilium"
    shutil.copytree(source(go, CILIUM, _CILIUM), copy / "source", copy_function=shutil.copyfile)
    for name in ("go.mod", "go.sum"):
        shutil.copy(module / name, copy)
    modules = copy / "source" / "pkg" / "datapath" / "linux" / "modules" / "modules_linux.go"
    shutil.copyfile(module / "modules_monolithic.go", modules)
    _go(go, "mod", "edit", f"-replace={_CILIUM}=./source", cwd=copy)
    return copy


def _go(go: Go, *arguments: str, cwd: Path) -> str:
    return run([go.program, *arguments], what=f"go {arguments[0]}", cwd=cwd, environment=go_environment())
