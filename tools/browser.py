"""`python3 -m tools.browser`: what the tests of the report's page need, Chromium from Debian and packages from npm.

Installs what is missing where that is possible, else says what to install. With `--npm` npm alone, for `make assets`.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from tools import debian

PAGE = Path(__file__).parent / "page"
PROGRAMS = {"chromium": "chromium", "npm": "npm"}
"""Programs, and the Debian packages that have them."""


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
        debian.ensure(programs, "the page's tests")
        synchronize()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
