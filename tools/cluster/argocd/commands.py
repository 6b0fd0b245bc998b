"""The command lines of Argo CD's parts, and the files and ports they meet at."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.cluster.ports import free_port

CONTROLLER, REPO_SERVER, CMP_SERVER = "argocd-application-controller", "argocd-repo-server", "argocd-cmp-server"
REDIS, KUSTOMIZE, GIT = "redis", "kustomize", "git-daemon"
ROLES = (CONTROLLER, REPO_SERVER, CMP_SERVER, REDIS, KUSTOMIZE)
"""Names that the one program answers to."""

NAMESPACE = "argocd"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports that were free a moment ago."""

    redis: int = field(default_factory=free_port)
    git: int = field(default_factory=free_port)
    repo_server: int = field(default_factory=free_port)
    repo_server_metrics: int = field(default_factory=free_port)
    controller_metrics: int = field(default_factory=free_port)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of one Argo CD are, all inside its state folder."""

    state: Path

    @property
    def programs(self) -> Path:
        """Links to the program, under each of its names."""
        return self.state / "bin"

    @property
    def repositories(self) -> Path:
        """Bare repositories, served under their names."""
        return self.state / "repositories"

    @property
    def plugin(self) -> Path:
        """The folder with the plugin's configuration."""
        return self.state / "plugin"

    @property
    def sockets(self) -> Path:
        """Where the repo server finds plugins. In commands relative to the state: a socket's path is short."""
        return self.state / "plugins"

    @property
    def trust(self) -> Path:
        """Certificates and known hosts of repositories: none."""
        return self.state / "trust"

    @property
    def temporary(self) -> Path:
        """TMPDIR: clones, and what plugins work on."""
        return self.state / "tmp"

    @property
    def kubeconfig(self) -> Path:
        """The application controller's."""
        return self.state / "kubeconfig"

    def log(self, component: str) -> Path:
        """A component's output."""
        return self.state / f"{component}.log"

    def make(self, program: Path) -> None:
        """Make the folders and the links."""
        for folder in (self.programs, self.repositories, self.plugin, self.sockets, self.trust, self.temporary):
            folder.mkdir()
        (self.trust / "ssh_known_hosts").touch()
        for role in ROLES:
            (self.programs / role).symlink_to(program)


def redis(files: Files, ports: Ports) -> list[str]:
    """Redis, in memory."""
    return [str(files.programs / REDIS), f"{_LOOPBACK}:{ports.redis}"]


def git_daemon(files: Files, ports: Ports) -> list[str]:
    """Git's own server: itself and not `git`, which would start it as a child that nobody ends."""
    folder = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return [
        f"{folder}/git-daemon",
        f"--listen={_LOOPBACK}",
        f"--port={ports.git}",
        f"--base-path={files.repositories}",
        "--export-all",
        "--reuseaddr",
    ]


def repo_server(files: Files, ports: Ports, resync_seconds: int) -> list[str]:
    """Makes manifests of what is in repositories."""
    environment = {
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(files.trust),
        "ARGOCD_SSH_DATA_PATH": str(files.trust),
        "ARGOCD_PLUGINSOCKFILEPATH": files.sockets.name,
        "ARGOCD_RECONCILIATION_TIMEOUT": f"{resync_seconds}s",
    }
    flags = [f"--redis={_LOOPBACK}:{ports.redis}", "--disable-tls", f"--address={_LOOPBACK}"]
    flags += [f"--port={ports.repo_server}", f"--metrics-address={_LOOPBACK}"]
    return _command(files, REPO_SERVER, environment, *flags, f"--metrics-port={ports.repo_server_metrics}")


def cmp_server(files: Files, programs: Iterable[Path]) -> list[str]:
    """Runs the plugin, whose commands find the folders `programs` first on PATH; its log has all that they print."""
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    environment = {"ARGOCD_PLUGINSOCKFILEPATH": files.sockets.name, "PATH": path}
    return _command(files, CMP_SERVER, environment, f"--config-dir-path={files.plugin}", "--loglevel=debug")


def controller(files: Files, ports: Ports, resync_seconds: int) -> list[str]:
    """Compares what is in git with the cluster, and applies it."""
    environment = {
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "KUBECONFIG": str(files.kubeconfig),
        "ARGOCD_RECONCILIATION_TIMEOUT": f"{resync_seconds}s",
        "ARGOCD_RECONCILIATION_JITTER": "0",
        # Errors of the repo server are kept back for one resync, as they are by default.
        "ARGOCD_REPO_ERROR_GRACE_PERIOD_SECONDS": f"{resync_seconds}s",
    }
    flags = [f"--kubeconfig={files.kubeconfig}", f"--namespace={NAMESPACE}", f"--redis={_LOOPBACK}:{ports.redis}"]
    flags += [f"--repo-server={_LOOPBACK}:{ports.repo_server}", "--repo-server-plaintext", "--persist-resource-health"]
    return _command(files, CONTROLLER, environment, *flags, f"--metrics-port={ports.controller_metrics}")


def _command(files: Files, role: str, environment: dict[str, str], *flags: str) -> list[str]:
    path = f"{files.programs}{os.pathsep}{os.environ['PATH']}"
    settings = {"HOME": str(files.temporary), "TMPDIR": str(files.temporary), "PATH": path} | environment
    return ["env", *(f"{name}={value}" for name, value in settings.items()), str(files.programs / role), *flags]
