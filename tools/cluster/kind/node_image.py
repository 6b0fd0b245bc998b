"""The image of a kind node, made as kind makes it: Debian, containerd, Kubernetes and the images that every node needs.

After images/base/Dockerfile and pkg/build/nodeimage of kind; differences are said where they are.
"""

import json
import re
import shutil
import time
from pathlib import Path

from tools.cluster.build import KUBERNETES_VERSION
from tools.cluster.kind import cilium_image, control_plane_images, debian
from tools.cluster.kind.command import KindError, run
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.images import forget_others, import_folder, install, pipe, staging
from tools.cluster.kind.keys import content_key
from tools.cluster.kind.programs import NODE, built, control_plane, kind_source
from tools.progress import Progress

_FILES = Path(__file__).parent / "files"
_ENTRYPOINT = 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]'
_BUILDER = "servicegraph-node-builder"
_BASE = "servicegraph-node-base:latest"
_START_SECONDS = 60.0
_UNWANTED = (
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "lib/systemd/system/multi-user.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/containerd.service",
)


def ensure(engine: Engine) -> str:
    """The image's tag, made now if the engine has none. Raises KindError, BuildError, InstallError."""
    cilium = cilium_image.ensure(engine)
    programs = [built(NODE), *control_plane().values()]
    here = Path(__file__)
    inputs = (here, _FILES, here.with_name("control_plane_images.py"))
    tag = f"servicegraph-node:{content_key(debian.NODE.key, cilium, *map(str, programs), *inputs)}"
    if engine.has(tag):
        return tag
    rootfs = debian.ensure(debian.NODE)
    with Progress("making the node image", "about 1 min"):
        images = control_plane_images.make(engine)
        with staging(copy_of=rootfs) as root:
            _equip(root)
            import_folder(engine, root, _BASE, "ENV container=docker", _ENTRYPOINT)
        _preload(engine, [*images, cilium], tag)
        engine.docker("rmi", _BASE, *images, what="removing intermediate images")
        forget_others(engine, tag)
    return tag


def _equip(root: Path) -> None:
    for pattern in _UNWANTED:
        for unwanted in root.glob(pattern):
            shutil.rmtree(unwanted) if unwanted.is_dir() and not unwanted.is_symlink() else unwanted.unlink()
    _copy_kind_files(root)
    with (root / "etc/systemd/journald.conf").open("a") as journald:
        journald.write("ReadKMsg=no\n")
    for verb, units in (
        ("enable", ["kubelet.service", "containerd.service", "undo-mount-hacks.service"]),
        ("mask", ["systemd-binfmt.service"]),
    ):
        run(["chroot", root, "systemctl", verb, *units], what="configuring systemd in the node image")
    for folder in ("etc/kubernetes/manifests", "etc/cni/net.d", "kind/manifests", "opt/cni"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _equip_containerd(root)
    install(root, {f"/usr/bin/{name}": built(NODE) / name for name in ("kubelet", "kubeadm", "kubectl")})
    (root / "kind/version").write_text(KUBERNETES_VERSION)


def _copy_kind_files(root: Path) -> None:
    files = kind_source() / "images" / "base" / "files"
    for file in files.rglob("*"):
        if file.is_file():
            path = str(file.relative_to(files))
            program = path.startswith(("usr/local/bin/", "kind/bin/"))
            install(root, {path: file}, 0o755 if program else 0o644)


def _equip_containerd(root: Path) -> None:
    """Debian's containerd, runc and CNI plugins, where kind has its own."""
    for name in ("containerd", "ctr"):
        (root / "usr/local/bin" / name).symlink_to(f"/usr/bin/{name}")
    install(root, {"/usr/local/sbin/runc": _FILES / "runc"})
    (root / "opt/cni/bin").symlink_to("/usr/lib/cni")
    config = root / "etc/containerd/config.toml"
    text = config.read_text()
    # Without CAP_SYS_RESOURCE a process may not lower its OOM score.
    text = text.replace("restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    config.write_text(re.sub(r'sandbox_image = ".*"', f'sandbox_image = "{control_plane_images.PAUSE}"', text))
    spec = json.loads(run(["chroot", root, "ctr", "oci", "spec"], what="asking containerd for its default spec"))
    del spec["process"]["rlimits"]
    spec.setdefault("hooks", {}).setdefault("createContainer", []).append({"path": "/kind/bin/mount-product-files.sh"})
    (root / "etc/containerd/cri-base.json").write_text(json.dumps(spec))


def _preload(engine: Engine, images: list[str], tag: str) -> None:
    """Put images into the store of the node's containerd, as `kind build node-image` does, and commit the result."""
    sleeper = ["--network=none", "--stop-signal=SIGRTMIN+3", "--entrypoint=sleep", f"--name={_BUILDER}"]
    engine.docker("run", "--detach", "--privileged", *sleeper, _BASE, "infinity", what="starting the node image")
    inside = ["exec", "--interactive", _BUILDER]
    engine.docker("exec", "--detach", _BUILDER, "containerd", what="starting containerd")
    _await_containerd(engine, inside)
    importing = ["docker", *inside, "ctr", "--namespace=k8s.io", "images", "import", "--all-platforms"]
    importing += ["--no-unpack", "--digests", "-"]
    pipe(engine, ["docker", "save", *images], importing, what="loading images into the node image")
    stop = "pid=$(pidof containerd); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; rm -rf /tmp/*"
    engine.docker(*inside, "sh", "-c", stop, what="stopping containerd")
    engine.docker("commit", "--change", _ENTRYPOINT, _BUILDER, tag, what="committing the node image")
    engine.docker("rm", "--force", "--volumes", _BUILDER, what="removing the builder")


def _await_containerd(engine: Engine, inside: list[str]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            engine.docker(*inside, "ctr", "version", what="waiting for containerd in the node image")
        except KindError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
