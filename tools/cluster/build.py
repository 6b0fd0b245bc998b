"""Builds etcd and the Kubernetes control plane from their Go modules, once per version, into the cache."""

import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from tools.cache import cache_root, exclusive
from tools.cluster.process import die_with_parent
from tools.cluster.toolchain import Go, find_go, go_environment
from tools.progress import Progress

MODULES = Path(__file__).parent / "modules"
KUBERNETES_VERSION = "v1.36.3"
_VERSION_PACKAGE = "k8s.io/component-base/version"
_STAMPS = {"gitVersion": KUBERNETES_VERSION, "gitMajor": "1", "gitMinor": "36"}


class BuildError(Exception):
    """The Go build failed; the message holds its last lines and what to do."""


@dataclass(frozen=True, slots=True)
class Build:
    """One `go build`: a module folder, its packages, and what the user is told about it."""

    module: str
    packages: tuple[str, ...]
    ldflags: str
    output: str
    title: str
    expected: str


BUILDS = (
    Build("etcd", ("go.etcd.io/etcd/server/v3",), "-s -w", "etcd", "etcd", "about 1 min"),
    Build(
        "kubernetes",
        ("k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        " ".join(["-s -w", *(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in _STAMPS.items())]),
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
    folder = _folder(find_go())
    return Binaries(folder) if folder.is_dir() else None


def ensure_built() -> Binaries:
    """The binaries, built now if the cache has none; progress goes to stderr.

    A second caller waits for the first. Raises BuildError, InstallError.
    """
    go = find_go()
    folder = _folder(go)
    if folder.is_dir():
        return Binaries(folder)
    root = cache_root() / "cluster"
    with exclusive(root / "build.lock", "it builds the embedded control plane, about 8 min from an empty Go cache"):
        if not folder.is_dir():
            for leftover in root.glob("building-*"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix="building-", dir=root) as work:
                for build in BUILDS:
                    _build(go, build, Path(work) / "bin")
                folder.parent.mkdir(exist_ok=True)
                (Path(work) / "bin").rename(folder)
    return Binaries(folder)


def build_key(modules: Path, go_version: str, machine: str) -> str:
    """Names the products: changes with whatever can change them."""
    digest = hashlib.sha256(f"{go_version} {machine} {BUILDS}".encode())
    for build in BUILDS:
        for name in ("go.mod", "go.sum"):
            digest.update((modules / build.module / name).read_bytes())
    return digest.hexdigest()[:16]


def _folder(go: Go) -> Path:
    return cache_root() / "cluster" / build_key(MODULES, go.version, platform.machine()) / "bin"


def _build(go: Go, build: Build, target: Path) -> None:
    target.mkdir(exist_ok=True)
    output = target / build.output
    command = [str(go.program), "build", "-v", "-trimpath", "-ldflags", build.ldflags]
    command += ["-o", f"{output}/" if output.is_dir() else str(output), *build.packages]
    last: deque[str] = deque(maxlen=25)
    with Progress(f"building {build.title}", f"{build.expected} from an empty Go cache on 2 cores") as progress:
        process = subprocess.Popen(
            command,
            cwd=MODULES / build.module,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )
        try:
            compiled = downloaded = 0
            for line in process.stdout or ():
                last.append(line.rstrip())
                downloaded += line.startswith("go: downloading ")
                compiled += " " not in line
                fetched = f", {downloaded} modules downloaded" if downloaded else ""
                progress.say(f"{compiled} packages compiled{fetched}")
            code = process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if code != 0:
            raise BuildError(_explain(build, code, "\n".join(last)))


def _explain(build: Build, code: int, output: str) -> str:
    if code == -9 or "signal: killed" in output:
        advice = "A compiler was killed, most likely for want of memory: close other programs and repeat."
    elif "no space left" in output:
        advice = "The disk is full: the build takes about 5 GiB in Go's caches (`go clean -cache` frees old ones)."
    elif any(word in output for word in ("dial tcp", "lookup ", "timeout", "connection refused", "proxyconnect")):
        advice = "A module could not be downloaded: check the network and GOPROXY (`go env GOPROXY`), then repeat."
    else:
        advice = "Repeat the command; what was compiled already is kept in Go's build cache."
    return f"building {build.title} failed (exit status {code}). The last lines of go build:\n{output}\n{advice}"
