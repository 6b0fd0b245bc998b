"""The two engines, made ready in the cache: an environment for the Python one, a build for the Go one.

`python -m tests.oracle.install` does it ahead of the tests.
"""

import hashlib
import platform
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tools.bootstrap import find_uv
from tools.cache import cache_root, exclusive
from tools.cluster.toolchain import find_go, go_environment
from tools.progress import Progress

CYCLONUS = "github.com/mattfenwick/cyclonus/cmd/cyclonus"
HERE = Path(__file__).parent


@cache
def nca_python() -> Path:
    """The Python of an environment that has network-config-analyzer and nothing of ours. Raises CalledProcessError."""
    folder = cache_root() / "oracle" / f"nca-{_key(sys.version, HERE / 'nca.txt')}"
    python, ready = folder / "bin" / "python", folder / "ready"
    with exclusive(cache_root() / "oracle" / "nca.lock", "the installation of network-config-analyzer"):
        if not ready.exists():
            uv = find_uv()
            with Progress("installing network-config-analyzer", f"from PyPI into {folder}"):
                _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
                _run([uv, "pip", "install", "--quiet", "--python", python, "--requirement", HERE / "nca.txt"])
            ready.touch()
    return python


@cache
def cyclonus() -> Path:
    """The program. Its Kubernetes modules are those of the embedded control plane, so that Go compiles them once.

    Raises CalledProcessError, InstallError.
    """
    go, module = find_go(), HERE / "cyclonus"
    key = _key(f"{go.version} {platform.machine()}", module / "go.mod", module / "go.sum")
    program = cache_root() / "oracle" / f"cyclonus-{key}"
    with exclusive(cache_root() / "oracle" / "cyclonus.lock", "the build of cyclonus"):
        if not program.exists():
            with (
                Progress("building cyclonus", "10 s after the control plane, else about 3 min, on 2 cores"),
                tempfile.TemporaryDirectory(prefix="building-", dir=program.parent) as work,
            ):
                built = Path(work) / "cyclonus"
                command: list[Path | str] = [go.program, "build", "-trimpath", "-ldflags", "-s -w"]
                command += ["-o", built, CYCLONUS]
                _run(command, cwd=module, env=go_environment())
                built.rename(program)
    return program


def _key(version: str, *files: Path) -> str:
    """Names a product: changes with whatever can change it."""
    digest = hashlib.sha256(version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _run(command: list[Path | str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=cwd, env=env)


if __name__ == "__main__":
    nca_python()
    cyclonus()
