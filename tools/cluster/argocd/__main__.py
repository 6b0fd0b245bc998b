"""`python3 -m tools.cluster.argocd build`: what the tests with Argo CD need, made now if it is missing."""

import argparse
import subprocess
import sys

from tools import debian
from tools.cluster import build as control_plane
from tools.cluster.argocd import build as argocd
from tools.cluster.gobuild import BuildError
from tools.pypi import InstallError


def main() -> int:
    """Run as a program; 0 if everything is there."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.cluster.argocd", description=__doc__)
    parser.add_argument("command", choices=["build"])
    parser.parse_args()
    try:
        debian.ensure({"git": "git"}, "the tests with Argo CD")
        control_plane.ensure_built()
        argocd.ensure_built()
    except (BuildError, InstallError, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
