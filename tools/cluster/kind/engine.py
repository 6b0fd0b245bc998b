"""A container engine of its own: dockerd in network, mount and process namespaces, its images in the cache.

Its iptables rules, routes and mounts touch nothing else, and nothing of it can outlive it: when process 1 of its
namespaces is killed, the kernel ends all the others.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.cache import cache_root, exclusive
from tools.cluster.kind import cgroups, sysctls
from tools.cluster.kind.command import KindError, run
from tools.cluster.kind.state import ENGINE, LOCK, SYSCTLS, claim, remove_leftovers
from tools.cluster.process import Supervisor
from tools.cluster.state import is_alive

_FILES = Path(__file__).parent / "files"
_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker daemon: the process whose network namespace it has (None: the root one), and its socket.

    `socket` is None for the daemon that the environment names.
    """

    pid: int | None
    socket: Path | None

    def enter(self, command: Sequence[str | Path]) -> list[str | Path]:
        """The command, run in the network namespace where the containers can be reached."""
        return [*(["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"] if self.pid else []), *command]

    def environment(self) -> dict[str, str]:
        """For docker and kind: this daemon, and no proxy, because nothing is beyond it."""
        if not self.socket:
            return dict(os.environ)
        kept = {name: value for name, value in os.environ.items() if name.upper() not in _PROXIES}
        return kept | {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}

    def docker(self, *arguments: str | Path, what: str, stdin: IO[bytes] | None = None) -> str:
        """Run the docker client. Raises KindError."""
        return run(["docker", *arguments], what=what, stdin=stdin, environment=self.environment())

    def has(self, image: str) -> bool:
        """Whether the engine holds the image."""
        return image in self.docker("images", "--format", "{{.Repository}}:{{.Tag}}", what="listing images").split()


@contextmanager
def running() -> Iterator[Engine]:
    """An engine for the time of the `with` block, without containers. Raises KindError if one runs already.

    It ends with this process, however that ends; sysctls are put back at the end, or by the next clean-up.
    """
    with _owned() as supervisor:
        sysctls.save(SYSCTLS)
        engine = Engine(_start(supervisor), ENGINE / "docker.sock")
        _await(engine, supervisor)
        _remove_containers(engine)
        try:
            yield engine
        finally:
            _remove_containers(engine)


def clean() -> None:
    """Remove what a killed run left: control groups, sysctls, files; containers too, which starting an engine does.

    Raises KindError if a run uses the engine.
    """
    if any((data_root() / "containers").glob("*")):
        with running():
            pass
    else:
        with _owned():
            pass


@contextmanager
def existing() -> Iterator[Engine]:
    """The Docker daemon that the environment names. Raises KindError if another run uses it."""
    with _owned():
        yield Engine(pid=None, socket=None)


@contextmanager
def _owned() -> Iterator[Supervisor]:
    with exclusive(LOCK, "it is starting or cleaning up"):
        if is_alive(ENGINE):
            raise KindError("another run uses the engine: wait for it, or end it: python3 -m tools.cluster.kind down")
        remove_leftovers()
        claim()
        supervisor = Supervisor(ENGINE)
    try:
        yield supervisor
    finally:
        supervisor.close()
        with exclusive(LOCK, "it is starting or cleaning up"):
            remove_leftovers()


def _remove_containers(engine: Engine) -> None:
    """Remove all containers, with their volumes, and the networks that were made for them."""
    if containers := engine.docker("ps", "--all", "--quiet", what="listing containers").split():
        engine.docker("rm", "--force", "--volumes", *containers, what="removing containers")
    engine.docker("volume", "prune", "--force", what="removing volumes")
    engine.docker("network", "prune", "--force", what="removing networks")


def data_root() -> Path:
    """Where the engine keeps images."""
    return cache_root() / "kind" / "docker"


def _start(supervisor: Supervisor) -> int:
    # dockerd's runtime is named by a path; the checkout may move while the data root stays.
    runtime = ENGINE / "runc"
    shutil.copy(_FILES / "runc", runtime)
    init = [sys.executable, "-I", "-S", str(Path(__file__).with_name("init.py"))]
    daemon = [
        "dockerd",
        f"--host=unix://{ENGINE}/docker.sock",
        f"--data-root={data_root()}",
        f"--exec-root={ENGINE}/exec",
        f"--pidfile={ENGINE}/docker.pid",
        f"--cgroup-parent=/{cgroups.PARENT}",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--add-runtime=fitting={runtime}",
        "--default-runtime=fitting",
    ]
    return supervisor.start("dockerd", ["unshare", *_NAMESPACES, *init, *daemon], ENGINE / "dockerd.log")


def _await(engine: Engine, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if supervisor.exit_code("dockerd") is not None:
            break
        try:
            engine.docker("version", what="asking dockerd")
        except KindError:
            time.sleep(0.1)
        else:
            return
    log = "\n".join((ENGINE / "dockerd.log").read_text(errors="replace").splitlines()[-15:])
    raise KindError(f"dockerd did not start. The end of its log:\n{log}")
