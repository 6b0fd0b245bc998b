"""`python3 -m tools.cluster`: the embedded control plane from a shell."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.cache import exclusive
from tools.cluster.build import built, ensure_built
from tools.cluster.controlplane import running
from tools.cluster.gobuild import BuildError
from tools.cluster.launch import ClusterError
from tools.cluster.state import Record, find, is_alive, ready_clusters, runs
from tools.cluster.toolchain import find_kubectl
from tools.pypi import InstallError

_CHECKOUT = Path(__file__).parents[2]


def main() -> int:
    """Run one command; 0 if it did what it says."""
    parser = _parser()
    options = parser.parse_args()
    try:
        return int(options.run(options))
    except (BuildError, InstallError, ClusterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was left running", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.cluster",
        description="A real Kubernetes control plane on loopback: no root, no containers, no nodes.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build etcd and the control plane into the cache, if they are missing")
    build.set_defaults(run=_build)
    status = commands.add_parser("status", help="what is built and what runs")
    status.set_defaults(run=_status)
    for name, run, explanation in (
        ("up", _up, "start a cluster that stays until `down`"),
        ("down", _down, "end it and remove all of it"),
        ("kubeconfig", _kubeconfig, "print the path of its kubeconfig"),
        ("hold", _hold, "run a cluster in the foreground until Ctrl-C or SIGTERM"),
    ):
        command = commands.add_parser(name, help=explanation)
        command.add_argument("--name", default="default", help="for several clusters side by side (default: default)")
        command.set_defaults(run=run)
    return parser


def _build(options: argparse.Namespace) -> int:
    print(ensure_built().folder)
    return 0


def _status(options: argparse.Namespace) -> int:
    binaries = built()
    print(f"built: {binaries.folder}" if binaries else "built: no (`python3 -m tools.cluster build` does it)")
    clusters = ready_clusters()
    for one in clusters:
        print(f"running: {one.name or '(unnamed)'}, {one.server}, {one.kubeconfig}, owned by process {one.owner}")
    if not clusters:
        print("running: none")
    return 0


def _up(options: argparse.Namespace) -> int:
    ensure_built()
    with exclusive(runs() / ".up-lock", "it starts a cluster"):
        if not find(options.name):
            _start_holder(options.name)
    cluster = find(options.name)
    if cluster is None:
        raise ClusterError(f"the cluster {options.name!r} ended as soon as it was ready")
    if not shutil.which("kubectl"):
        print(f"# there is no kubectl on PATH; here is one: {find_kubectl()}")
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def _start_holder(name: str) -> None:
    """Start `hold` as a process of its own session and wait until its cluster is ready."""
    with tempfile.TemporaryFile("w+") as output:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tools.cluster", "hold", "--name", name],
            cwd=_CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            while find(name) is None:
                if holder.poll() is not None:
                    output.seek(0)
                    raise ClusterError(output.read().strip().removeprefix("error: "))
                time.sleep(0.1)
        except KeyboardInterrupt:
            holder.terminate()
            holder.wait()
            raise


def _hold(options: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with running(name=options.name) as cluster:
        print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
        while True:
            signal.pause()


def _down(options: argparse.Namespace) -> int:
    cluster = find(options.name)
    if cluster is None:
        print(f"no cluster {options.name!r} runs")
        return 0
    os.kill(cluster.owner, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while is_alive(Path(cluster.kubeconfig).parent):
        if time.monotonic() > deadline:
            raise ClusterError(f"process {cluster.owner} does not end; kill -9 {cluster.owner} ends all of it")
        time.sleep(0.05)
    return 0


def _kubeconfig(options: argparse.Namespace) -> int:
    cluster: Record | None = find(options.name)
    if cluster is None:
        raise ClusterError(f"no cluster {options.name!r} runs; start one with `python3 -m tools.cluster up`")
    print(cluster.kubeconfig)
    return 0


if __name__ == "__main__":
    sys.exit(main())
