"""Runs as process 1 of the engine's namespaces: starts the given program, buries orphans, ends when it ends.

containerd's shims keep their sockets in /run/containerd, whatever it is told: here that is a folder of its own.

When this process is gone the kernel ends all others in the namespace, and with them their mounts and interfaces.
Standard library only, and nothing of ours.
"""

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """The program's exit status."""
    Path("/run/containerd").mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/containerd"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    while True:
        ended, status = os.wait()
        if ended == program.pid:
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
