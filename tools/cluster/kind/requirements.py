"""What must be on the machine: Linux, root, and some programs, which Debian's packages bring."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cluster.kind.command import KindError, run
from tools.progress import Progress

PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "jq": "jq",
    "ip": "iproute2",
    "gcc": "gcc libc6-dev",
    "make": "make",
    "tar": "tar",
    "nsenter": "util-linux",
}
_POLICY = Path("/usr/sbin/policy-rc.d")


def require_root() -> None:
    """Raises KindError unless this is Linux and root."""
    if sys.platform != "linux":
        raise KindError("a kind cluster of built images needs Linux; with a Docker daemon: SERVICEGRAPH_IMAGES=pulled")
    if os.geteuid() != 0:
        raise KindError("a kind cluster needs root, for namespaces and a container engine of its own: use sudo")


def ensure_programs() -> None:
    """Install the Debian packages of programs that are missing. Raises KindError, with what to install by hand."""
    missing = missing_packages(lambda program: shutil.which(program) is not None)
    if not missing:
        return
    by_hand = f"install them, on Debian: apt-get install {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise KindError(f"missing: {', '.join(missing)}, and there is no apt-get: {by_hand}")
    with Progress(f"apt-get install {' '.join(missing)}", "Debian packages that are missing"), _services_stay_off():
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        if subprocess.run(install, env=environment, capture_output=True, check=False).returncode != 0:
            run(["apt-get", "update"], what=f"updating the list of packages ({by_hand})", environment=environment)
            run(install, what=f"installing packages ({by_hand})", environment=environment)


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Keep Debian from starting dockerd as soon as it is installed, where nobody has decided that already.

    https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt: 101 forbids it.
    """
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    try:
        _POLICY.chmod(0o755)
        yield
    finally:
        _POLICY.unlink()


def missing_packages(found: Callable[[str], bool]) -> list[str]:
    """The packages of the programs that are not found, each once, sorted."""
    return sorted({name for program, names in PACKAGES.items() if not found(program) for name in names.split()})
