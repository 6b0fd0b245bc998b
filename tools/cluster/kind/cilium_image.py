"""One image for all of Cilium: agent, operator, CNI plugin, the chart's init programs, and clang for its eBPF."""

import shutil
from pathlib import Path

from tools.cluster.kind import debian
from tools.cluster.kind.engine import Engine
from tools.cluster.kind.images import forget_others, import_folder, install, staging
from tools.cluster.kind.keys import content_key
from tools.cluster.kind.programs import CILIUM, CILIUM_VERSION, built, cilium_source
from tools.progress import Progress

REPOSITORY = "servicegraph-cilium"
_PROGRAMS = {
    "/usr/bin/cilium-agent": "daemon",
    "/usr/bin/cilium-operator-generic": "operator",
    "/usr/bin/cilium-dbg": "cilium-dbg",
    "/usr/bin/cilium-mount": "mount",
    "/usr/bin/cilium-sysctlfix": "sysctlfix",
    "/usr/bin/cilium-health": "cilium-health",
    "/usr/bin/cilium-health-responder": "responder",
    "/opt/cni/bin/cilium-cni": "cilium-cni",
}
_SCRIPTS = (
    "images/cilium/init-container.sh",
    "plugins/cilium-cni/install-plugin.sh",
    "plugins/cilium-cni/cni-uninstall.sh",
)
# What the agent does not run: half of the root file system.
_UNUSED = (
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/zoneinfo",
    "usr/include",
    "usr/lib/python3*",
    "usr/lib/gcc",
    "usr/lib/llvm-14/lib/clang",
    "usr/lib/llvm-14/include",
    "usr/lib/llvm-14/lib/LLVMPolly.so",
    "usr/lib/llvm-14/lib/libclang-14*",
    "usr/lib/*-linux-gnu/gconv",
    "usr/lib/*-linux-gnu/gprofng",
    "usr/lib/*-linux-gnu/perl-base",
    "usr/lib/*-linux-gnu/libclang-14*",
    "usr/bin/*-linux-gnu-*",
    "usr/lib/**/*.a",
    *(
        f"usr/lib/*-linux-gnu/lib{name}.so*"
        for name in ("asan", "tsan", "ubsan", "lsan", "itm", "gomp", "quadmath", "objc_gc", "objc")
    ),
)
_LLVM = ("clang", "llc")


def ensure(engine: Engine) -> str:
    """The image's tag, made now if the engine has none. Raises KindError, BuildError, InstallError."""
    programs = built(CILIUM)
    tag = f"{REPOSITORY}:{content_key(debian.CILIUM.key, str(programs), Path(__file__))}"
    if engine.has(tag):
        return tag
    rootfs = debian.ensure(debian.CILIUM)
    with Progress("making the Cilium image", "about 1 min"), staging(copy_of=rootfs) as root:
        _slim(root)
        _equip(root, programs, debian.ensure(debian.NODE))
        import_folder(
            engine,
            root,
            tag,
            "ENV HUBBLE_SERVER=unix:///var/run/cilium/hubble.sock",
            "ENV INITSYSTEM=SYSTEMD",
            "WORKDIR /home/cilium",
            'CMD ["/usr/bin/cilium-dbg"]',
            f"LABEL org.opencontainers.image.version={CILIUM_VERSION}",
        )
        forget_others(engine, tag)
    return tag


def _slim(root: Path) -> None:
    for pattern in _UNUSED:
        for unused in root.glob(pattern):
            shutil.rmtree(unused) if unused.is_dir() and not unused.is_symlink() else unused.unlink(missing_ok=True)
    for program in (root / "usr/lib/llvm-14/bin").iterdir():
        if program.name not in _LLVM and not program.is_symlink():
            program.unlink()


def _equip(root: Path, programs: Path, node: Path) -> None:
    for name in _LLVM:
        (root / "usr/bin" / name).unlink(missing_ok=True)
        (root / "usr/bin" / name).symlink_to(f"{name}-14")
    install(root, {path: programs / name for path, name in _PROGRAMS.items()})
    (root / "usr/bin/cilium").symlink_to("cilium-dbg")
    install(root, {"/cni/loopback": node / "usr/lib/cni/loopback"})
    source = cilium_source()
    install(root, {Path(script).name: source / script for script in _SCRIPTS})
    (root / "home/cilium").mkdir()
    shutil.copytree(source / "bpf", root / "var/lib/cilium/bpf", copy_function=shutil.copyfile)
    for path in (root / "var/lib/cilium/bpf").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
