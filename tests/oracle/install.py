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

NCA = "network-config-analyzer==2.1.0"
CYCLONUS = "github.com/mattfenwick/cyclonus/cmd/cyclonus"
MODULE = Path(__file__).with_name("cyclonus")


@cache
def nca_python() -> Path:
    """The Python of an environment that has network-config-analyzer and nothing of ours. Raises CalledProcessError."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_root() / "oracle" / f"{NCA.replace('==', '-')}-python{version}"
    python, ready = folder / "bin" / "python", folder / "ready"
    with exclusive(cache_root() / "oracle" / "nca.lock", f"the installation of {NCA}"):
        if not ready.exists():
            uv = find_uv()
            with Progress(f"installing {NCA}", f"from PyPI into {folder}"):
                _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
                _run([uv, "pip", "install", "--quiet", "--python", python, NCA])
            ready.touch()
    return python


@cache
def cyclonus() -> Path:
    """The program. Its Kubernetes modules are those of the embedded control plane, so that Go compiles them once.

    Raises CalledProcessError, InstallError.
    """
    go = find_go()
    digest = hashlib.sha256(f"{go.version} {platform.machine()}".encode())
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    program = cache_root() / "oracle" / f"cyclonus-{digest.hexdigest()[:16]}"
    with exclusive(cache_root() / "oracle" / "cyclonus.lock", "the build of cyclonus"):
        if not program.exists():
            with (
                Progress("building cyclonus", "10 s after the control plane, else about 3 min, on 2 cores"),
                tempfile.TemporaryDirectory(prefix="building-", dir=program.parent) as work,
            ):
                built = Path(work) / "cyclonus"
                _run([go.program, "build", "-trimpath", "-ldflags", "-s -w", "-o", built, CYCLONUS], go=True)
                built.rename(program)
    return program


def _run(command: list[Path | str], go: bool = False) -> None:
    where = {"cwd": MODULE, "env": go_environment()} if go else {}
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, **where)  # type: ignore[call-overload]


if __name__ == "__main__":
    nca_python()
    cyclonus()
