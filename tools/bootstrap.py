"""`python3 -m tools.bootstrap`: the development environment in .venv, from the lock, with nothing but Python at hand.

With `--uv` it prints the path of the uv that it uses instead.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.pypi import InstallError, installed

UV_WHEEL = "uv==0.13.9"
CHECKOUT = Path(__file__).parents[1]


def find_uv() -> Path:
    """A uv of the pinned minor version from PATH, else the pinned wheel in the cache. Raises InstallError."""
    on_path = shutil.which("uv")
    if on_path and same_minor(_version_of(on_path), UV_WHEEL):
        return Path(on_path)
    return installed(UV_WHEEL) / "bin" / "uv"


def same_minor(answer: str, requirement: str) -> bool:
    """Whether `uv 0.13.2 (…)` is of the same minor version as `uv==0.13.9`."""
    have, want = re.search(r"\d+\.\d+", answer), re.search(r"\d+\.\d+", requirement)
    return have is not None and want is not None and have[0] == want[0]


def _version_of(uv: str) -> str:
    return subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout


def synchronize(uv: Path) -> int:
    """Make .venv agree with uv.lock; the exit status of uv. Quiet when there is little to do."""
    stamp = CHECKOUT / ".venv" / ".synced"
    command = [str(uv), "sync", "--locked", "--compile-bytecode"]
    if stamp.exists():
        command.append("--quiet")
    else:
        print("creating the development environment in .venv from uv.lock (once, about half a minute)", file=sys.stderr)
        command += ["--python", sys.executable]
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    status = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode
    if status == 0:
        stamp.touch()
    return status


def main() -> int:
    """Run as a program."""
    try:
        uv = find_uv()
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if "--uv" in sys.argv[1:]:
        print(uv)
        return 0
    return synchronize(uv)


if __name__ == "__main__":
    sys.exit(main())
