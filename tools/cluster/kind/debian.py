"""Root file systems of Debian, by debootstrap, in the cache."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.cache import cache_root, exclusive
from tools.cluster.kind.command import run
from tools.cluster.kind.keys import content_key
from tools.progress import Progress

SUITE = "bookworm"


@dataclass(frozen=True, slots=True)
class RootFilesystem:
    """A minimal Debian with some packages and what they need."""

    name: str
    packages: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes with the packages."""
        return content_key(SUITE, *self.packages)


# fmt: off
NODE = RootFilesystem("node", (
    "systemd", "systemd-sysv", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux",
    "mount", "kmod", "libseccomp2", "bash", "ca-certificates", "jq", "procps", "socat", "runc", "dbus",
    "containerd", "containernetworking-plugins",
))
CILIUM = RootFilesystem("cilium", (
    "clang-14", "llvm-14", "bpftool", "iptables", "ipset", "iproute2", "kmod", "ethtool", "ca-certificates",
    "procps", "mount", "jq", "curl",
))
# fmt: on
PYTHON = RootFilesystem("python", ("python3", "python3-pip", "python3-venv", "ca-certificates"))


def ensure_all() -> None:
    """Make all that are missing. Raises KindError."""
    for root in (NODE, CILIUM, PYTHON):
        ensure(root)


def ensure(root: RootFilesystem) -> Path:
    """The folder that holds it, made now if the cache has none. Not to be changed: copy it. Raises KindError.

    debootstrap runs in a mount namespace of its own: what it mounts is gone when it ends, however it ends.
    """
    base = cache_root() / "kind" / "debian"
    folder = base / f"{root.name}-{root.key}"
    if folder.is_dir():
        return folder
    with exclusive(base / "lock", "it makes a root file system, about 2 min"):
        if folder.is_dir():
            return folder
        for leftover in base.glob("making-*"):
            shutil.rmtree(leftover)
        debs = base / "packages"
        debs.mkdir(exist_ok=True)
        with (
            Progress(f"debootstrap of the {root.name} root file system", "about 1 min"),
            tempfile.TemporaryDirectory(prefix="making-", dir=base) as work,
        ):
            target = Path(work) / "root"
            options = ["--variant=minbase", f"--cache-dir={debs}", f"--include={','.join(root.packages)}"]
            run(
                ["unshare", "--mount", "debootstrap", *options, SUITE, target],
                what=f"making the {root.name} root file system",
            )
            target.rename(folder)
    return folder
