"""`python3 -m tools.cluster.kind`: a cluster that enforces policies, from a shell."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from tools.cluster.gobuild import BuildError
from tools.cluster.kind import session
from tools.cluster.kind.cluster import Cluster
from tools.cluster.kind.command import KindError
from tools.cluster.process import die_with_parent
from tools.pypi import InstallError


def main() -> int:
    """Run one command; its exit status."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return int(options.run(options))
    except (KindError, BuildError, InstallError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing was left running", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.cluster.kind",
        description="A kind cluster with Cilium and the operator, in a container engine and network of its own.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, explanation in (
        ("build", _build, "make its images now, if they are missing"),
        ("up", _up, "start a cluster that stays until `down`"),
        ("down", _down, "end it; also removes what a run left that was killed"),
        ("reload", _reload, "have it run the sources as they are now"),
    ):
        commands.add_parser(name, help=explanation).set_defaults(run=run)
    hold = commands.add_parser("hold", help="run a cluster in the foreground until Ctrl-C or SIGTERM")
    hold.add_argument("--detach", action="store_true", help="say nothing once it is ready")
    hold.set_defaults(run=_hold)
    for name, run, explanation in (
        ("shell", _shell, "run a command where the cluster can be reached (default: your shell)"),
        ("run", _run, "start a cluster, run a command there, remove the cluster"),
    ):
        command = commands.add_parser(name, help=explanation)
        command.add_argument("command", nargs="*", metavar="-- COMMAND", help="with its arguments, after --")
        command.set_defaults(run=run)
    return parser


def _build(options: argparse.Namespace) -> int:
    session.build()
    return 0


def _up(options: argparse.Namespace) -> int:
    session.up()
    print("ready: python3 -m tools.cluster.kind shell -- kubectl get pods --all-namespaces")
    return 0


def _down(options: argparse.Namespace) -> int:
    session.down()
    return 0


def _reload(options: argparse.Namespace) -> int:
    session.reload(session.attached())
    return 0


def _hold(options: argparse.Namespace) -> int:
    with session.running():
        if options.detach:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
                os.dup2(nowhere.fileno(), sys.stderr.fileno())
        while True:
            signal.pause()


def _shell(options: argparse.Namespace) -> int:
    command, environment = _inside(session.attached(), options.command or [os.environ.get("SHELL", "/bin/sh")])
    os.execvpe(command[0], command, environment)


def _run(options: argparse.Namespace) -> int:
    if not options.command:
        raise KindError("say what to run: python3 -m tools.cluster.kind run -- COMMAND")
    with session.running() as cluster:
        command, environment = _inside(cluster, options.command)
        child = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent)
        try:
            return child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise


def _inside(cluster: Cluster, command: list[str]) -> tuple[list[str], dict[str, str]]:
    return [str(word) for word in cluster.engine.enter(command)], cluster.environment()


if __name__ == "__main__":
    sys.exit(main())
