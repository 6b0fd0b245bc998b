"""Programs that Debian's packages bring, installed where they are missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping


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
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "--quiet", "--quiet"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run([*apt, *arguments], check=True, env=environment, stdout=sys.stderr)
