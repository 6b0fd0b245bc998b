"""Builds programs from Go modules, once per version, into the cache."""

import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.cache import cache_root, exclusive
from tools.cluster.process import die_with_parent
from tools.cluster.toolchain import Go, go_environment
from tools.progress import Progress

MODULES = Path(__file__).parent / "modules"
_GOGC = "400"
"""The compiler collects its garbage less often: a fourteenth less work, for more memory."""


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


Prepare = Callable[[Go, Path, Path], Path]


def in_place(go: Go, module: Path, work: Path) -> Path:
    """Compile the module as it is: the Prepare of most."""
    return module


def folder_of(go: Go, builds: tuple[Build, ...]) -> Path:
    """Where the products of these builds are, or will be."""
    return cache_root() / "cluster" / build_key(MODULES, builds, go.version, platform.machine()) / "bin"


def ensure(go: Go, builds: tuple[Build, ...], waiting_for: str, prepare: Prepare = in_place) -> Path:
    """The folder that holds the products, built now if the cache has none; progress goes to stderr.

    `prepare(go, module, work)` gives the folder to compile in, under `work` if it is not the module itself.
    A second caller waits for the first and is shown `waiting_for`. Raises BuildError.
    """
    folder = folder_of(go, builds)
    if folder.is_dir():
        return folder
    root = cache_root() / "cluster"
    with exclusive(root / "build.lock", waiting_for):
        if not folder.is_dir():
            for leftover in root.glob("building-*"):
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix="building-", dir=root) as work:
                for build in builds:
                    _build(go, build, prepare(go, MODULES / build.module, Path(work)), Path(work) / "bin")
                folder.parent.mkdir(exist_ok=True)
                (Path(work) / "bin").rename(folder)
    return folder


def source(go: Go, build: Build, module: str) -> Path:
    """The source of a Go module that a build requires, in Go's module cache; read-only. Raises BuildError."""
    folder = MODULES / build.module
    _go(go, folder, "mod", "download", module)
    return Path(_go(go, folder, "list", "-m", "-f", "{{.Dir}}", module).strip())


def build_key(modules: Path, builds: tuple[Build, ...], go_version: str, machine: str) -> str:
    """Names the products: changes with whatever can change them."""
    digest = hashlib.sha256(f"{go_version} {machine} {builds}".encode())
    for build in builds:
        for file in sorted((modules / build.module).iterdir()):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _build(go: Go, build: Build, source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    output = target / build.output
    # All are linked without DWARF; not to compile it saves an eighth of the time.
    command = [str(go.program), "build", "-v", "-trimpath", "-gcflags=all=-dwarf=false"]
    command += ["-ldflags", build.ldflags]
    command += ["-o", f"{output}/" if output.is_dir() else str(output), *build.packages]
    last: deque[str] = deque(maxlen=25)
    with Progress(f"building {build.title}", f"{build.expected} from an empty Go cache on 2 cores") as progress:
        process = subprocess.Popen(
            command,
            cwd=source,
            env={"GOGC": _GOGC} | go_environment(),
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


def _go(go: Go, folder: Path, *arguments: str) -> str:
    command = [str(go.program), *arguments]
    done = subprocess.run(command, cwd=folder, env=go_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command)} failed (exit status {done.returncode}):\n{done.stderr}")
    return done.stdout


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
