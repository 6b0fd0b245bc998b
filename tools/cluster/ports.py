"""Free loopback ports that another program is unlikely to take between the choice and the use."""

import random
import socket
from pathlib import Path

_FIRST = 16384
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port nobody listens on, below those of outgoing connections, so that a restart finds it free."""
    end = int(_RANGE_FILE.read_text().split()[0]) if _RANGE_FILE.exists() else 32768
    for _ in range(200):
        port = random.randrange(_FIRST, max(end, _FIRST + 1000))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port found on 127.0.0.1")
