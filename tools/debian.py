"""Programs that Debian's packages bring: installed where they are missing, or only unpacked."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.cache import cache_root, exclusive


def ensure(programs: Mapping[str, str], needed_by: str) -> None:
    """Install the packages (values) of the programs (keys) that are not on PATH.

    Raises OSError where that is not possible: it says what `needed_by` needs; CalledProcessError where apt-get fails.
    """
    packages = [package for program, package in programs.items() if shutil.which(program) is None]
    if not packages:
        return
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise OSError(f"{needed_by} need {wanted}: install them (Debian: apt-get install {wanted}), or run as root")
    print(f"installing {wanted}", file=sys.stderr)
    _apt_get("update")
    _apt_get("install", "--yes", "--no-install-recommends", *packages)


def unpacked(package: str) -> Path:
    """The files of a package, in the cache: not installed, where its service would start with it.

    Raises OSError where there is no apt-get, CalledProcessError where it fails.
    """
    base = cache_root() / "debian"
    folder = base / package
    with exclusive(base / "lock", f"it fetches {package}"):
        if not folder.is_dir():
            print(f"fetching {package}", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="unpacking-", dir=base) as work:
                if os.geteuid() == 0:
                    _apt_get("update")
                _apt_get("download", package, folder=Path(work))
                (archive,) = Path(work).glob("*.deb")
                subprocess.run(["dpkg-deb", "--extract", archive, Path(work) / "files"], check=True)
                (Path(work) / "files").rename(folder)
    return folder


def _apt_get(*arguments: str, folder: Path | None = None) -> None:
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "APT::Sandbox::User=root", "--quiet", "--quiet"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*command, *arguments], check=True, env=environment, stdout=sys.stderr, cwd=folder)
