"""The images that kubeadm asks for, made from static programs."""

from pathlib import Path

from tools.cluster.build import KUBERNETES_VERSION
from tools.cluster.kind.command import run
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.images import import_folder, install, staging
from tools.cluster.kind.programs import control_plane, kubernetes_source

# Kubernetes names them in cmd/kubeadm/app/constants.
PAUSE = "registry.k8s.io/pause:3.10.2"
TAGS = {
    "etcd": "registry.k8s.io/etcd:3.6.8-0",
    "kube-apiserver": f"registry.k8s.io/kube-apiserver:{KUBERNETES_VERSION}",
    "kube-controller-manager": f"registry.k8s.io/kube-controller-manager:{KUBERNETES_VERSION}",
    "kube-scheduler": f"registry.k8s.io/kube-scheduler:{KUBERNETES_VERSION}",
    "coredns": "registry.k8s.io/coredns/coredns:v1.14.2",
}


def make(engine: Engine) -> list[str]:
    """Import them into the engine; their tags. Raises KindError, BuildError, InstallError."""
    for name, program in control_plane().items():
        with staging() as root:
            install(root, {f"/usr/local/bin/{name}": program})
            (root / "etc").mkdir()
            (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
            import_folder(engine, root, TAGS[name], f'ENTRYPOINT ["/usr/local/bin/{name}"]')
    with staging() as root:
        _compile_pause(root / "pause")
        import_folder(engine, root, PAUSE, 'ENTRYPOINT ["/pause"]')
    return [*TAGS.values(), PAUSE]


def _compile_pause(target: Path) -> None:
    source = kubernetes_source() / "build" / "pause" / "linux" / "pause.c"
    version = PAUSE.rpartition(":")[2]
    run(["gcc", "-Os", "-static", f"-DVERSION=v{version}", "-o", target, source], what="compiling pause")
