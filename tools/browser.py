"""`python3 -m tools.browser`: what the tests of the report's page need, Chromium from Debian and packages from npm.

Installs what is missing where that is possible, else says what to install. With `--npm` npm alone, for `make assets`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "page"
PROGRAMS = {"chromium": "chromium", "npm": "npm"}
"""Programs, and the Debian packages that have them."""


def missing(programs: dict[str, str]) -> list[str]:
    """The packages of programs that are not on PATH."""
    return [package for program, package in programs.items() if shutil.which(program) is None]


def install(packages: list[str]) -> None:
    """Install Debian packages. Raises OSError where that is not possible."""
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise OSError(
            f"the page's tests need {wanted}: install them (Debian: apt-get install {wanted}), or run as root"
        )
    print(f"installing {wanted}", file=sys.stderr)
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "--quiet", "--quiet"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run([*apt, *arguments], check=True, env=environment, stdout=sys.stderr)


def synchronize() -> None:
    """Make node_modules agree with the lock; quick when it does already."""
    stamp = PAGE / "node_modules" / ".synced"
    locked = hashlib.sha256((PAGE / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == locked:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=PAGE, check=True, stdout=sys.stderr)
    stamp.write_text(locked)


def main() -> int:
    """Run as a program."""
    programs = {"npm": "npm"} if "--npm" in sys.argv[1:] else PROGRAMS
    try:
        if packages := missing(programs):
            install(packages)
        synchronize()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
