"""`python -m tools.demo.keeper CLUSTER COMMAND…` runs the command until that embedded cluster is ended."""

import subprocess
import sys
import time

from tools.cluster.process import die_with_parent
from tools.cluster.state import find

_POLL_SECONDS = 1.0


def main() -> int:
    """Run as a program."""
    _, cluster, *command = sys.argv
    process = subprocess.Popen(command, preexec_fn=die_with_parent)
    while process.poll() is None and find(cluster):
        time.sleep(_POLL_SECONDS)
    process.terminate()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
