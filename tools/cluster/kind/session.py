"""A whole cluster for the time of a `with` block, and ways to one that another process holds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.cluster.kind import debian, programs, requirements, state, supply
from tools.cluster.kind import engine as engines
from tools.cluster.kind.cluster import Cluster, delete_nodes, images
from tools.cluster.kind.command import KindError
from tools.cluster.kind.engine import Engine

_CHECKOUT = Path(__file__).parents[3]
_DOWN_SECONDS = 180.0
_HINT = "start one with `python3 -m tools.cluster.kind up`"


def build() -> None:
    """Make whatever is missing for a cluster. Raises KindError, BuildError, InstallError."""
    if supply.pulled():
        print("nothing to build: images are pulled when the cluster is created", file=sys.stderr)
        return
    with _engine() as engine:
        supply.ensure(engine)


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster with Cilium, the operator and the test program's image; nothing is left of it afterwards.

    Raises KindError, BuildError, InstallError.
    """
    with _engine() as engine:
        needed = supply.ensure(engine)
        tested = images(engine, needed.base)
        cluster = Cluster(engine, state.ENGINE / "kubeconfig")
        cluster.create(needed)
        cluster.install_cilium(needed)
        cluster.load(*tested)
        cluster.install_operator()
        state.record(engine.pid, engine.socket)
        yield cluster


@contextmanager
def _engine() -> Iterator[Engine]:
    if supply.pulled():
        with engines.existing() as engine:
            delete_nodes(engine)
            try:
                yield engine
            finally:
                delete_nodes(engine)
    else:
        requirements.require_root()
        requirements.ensure_programs()
        # Before the engine starts, because only one may run. Debian first: it waits for the network, not for Go.
        debian.ensure_all()
        programs.ensure_all()
        with engines.running() as engine:
            yield engine


def attached() -> Cluster:
    """The cluster that another process holds. Raises KindError when there is none."""
    record = state.ready()
    if record is None:
        raise KindError(f"no kind cluster runs; {_HINT}")
    engine = Engine(record.engine, Path(record.socket) if record.socket else None)
    return Cluster(engine, state.ENGINE / "kubeconfig")


def reload(cluster: Cluster) -> None:
    """Have the cluster run the sources as they are now. Raises KindError, InstallError."""
    cluster.load(*images(cluster.engine, supply.base_image(cluster.engine)))
    cluster.restart_operator()


def up() -> None:
    """Start a process that holds a cluster, and wait until it is ready. Raises KindError."""
    if state.ready():
        return
    hold = [sys.executable, "-m", "tools.cluster.kind", "hold", "--detach"]
    holder = subprocess.Popen(hold, cwd=_CHECKOUT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while state.ready() is None:
            if holder.poll() is not None:
                raise KindError("the cluster was not started: see above")
            time.sleep(0.1)
    except KeyboardInterrupt:
        holder.terminate()
        holder.wait()
        raise


def down() -> None:
    """End the cluster that another process holds, and remove what a run left that was killed. Raises KindError."""
    if owner := state.owner():
        with suppress(ProcessLookupError):
            os.kill(owner, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_SECONDS
        while state.owner():
            if time.monotonic() > deadline:
                raise KindError(f"process {owner} does not end; kill -9 {owner} ends all of it, then repeat")
            time.sleep(0.1)
    if supply.pulled():
        with _engine():
            pass
    else:
        engines.clean()
