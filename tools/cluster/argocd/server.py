"""Argo CD's parts as plain processes on loopback, and a git server for them, started and ended."""

import shutil
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.cluster.argocd import commands
from tools.cluster.argocd.build import ensure_built, manifests
from tools.cluster.argocd.commands import CMP_SERVER, CONTROLLER, GIT, NAMESPACE, REDIS, REPO_SERVER, Files, Ports
from tools.cluster.argocd.install import install
from tools.cluster.controlplane import Cluster
from tools.cluster.http import request
from tools.cluster.launch import retry_ports, wait_until
from tools.cluster.process import Supervisor
from tools.cluster.state import new_state


class ArgoCD:
    """A running Argo CD: redis, repo server, application controller, the plugin's server if there is a plugin, git.

    `repositories` is the folder whose bare repositories are served.
    """

    user = f"system:serviceaccount:{NAMESPACE}:{CONTROLLER}"
    """Who it is to the API server."""

    def __init__(self, program: Path, state: Path, resync_seconds: int) -> None:
        self._files = Files(state)
        self._supervisor = Supervisor(state)
        self._resync_seconds = resync_seconds
        self._ports = Ports()
        self._started: list[str] = []
        self._files.make(program)
        self.repositories = self._files.repositories

    def url(self, repository: str) -> str:
        """Where a repository of that name is served: of `shop`, the folder shop.git."""
        return f"git://127.0.0.1:{self._ports.git}/{repository}.git"

    def log(self, component: str) -> str:
        """What a component has said so far, one JSON object a line where it is one of Argo CD's own."""
        return self._files.log(component).read_text()

    def start(
        self, cluster: Cluster, components: Iterable[Path], plugin: Path | None, programs: Iterable[Path]
    ) -> None:
        """Install what it needs, start everything and wait until it works. Raises ClusterError."""
        token = install(cluster, manifests(), components, self._files.state)
        cluster.kubeconfig_for(token, self._files.kubeconfig)
        retry_ports(self._start_all)
        if plugin:
            shutil.copy(plugin, self._files.plugin / "plugin.yaml")
            self._start(CMP_SERVER, commands.cmp_server(self._files, programs), self._plugin_listens)

    def stop(self) -> None:
        """End every process and remove the state folder. May be called twice."""
        self._supervisor.close()

    def _start_all(self) -> None:
        while self._started:
            self._supervisor.stop(self._started.pop(), signal.SIGKILL, 0)
        files, resync = self._files, self._resync_seconds
        self._ports = ports = Ports()
        self._start(REDIS, commands.redis(files, ports), lambda: _accepts(ports.redis))
        self._start(GIT, commands.git_daemon(files, ports), lambda: _accepts(ports.git))
        self._start(
            REPO_SERVER, commands.repo_server(files, ports, resync), lambda: _healthy(ports.repo_server_metrics)
        )
        self._start(CONTROLLER, commands.controller(files, ports, resync), lambda: _healthy(ports.controller_metrics))

    def _plugin_listens(self) -> bool:
        return any(self._files.sockets.glob("*.sock"))

    def _start(self, name: str, command: list[str], ready: Callable[[], bool]) -> None:
        log = self._files.log(name)
        log.unlink(missing_ok=True)
        self._supervisor.start(name, command, log)
        self._started.append(name)
        wait_until(ready, self._supervisor, name, log)


@contextmanager
def running(
    cluster: Cluster,
    *,
    components: Iterable[Path] = (),
    plugin: Path | None = None,
    programs: Iterable[Path] = (),
    resync_seconds: int = 2,
) -> Iterator[ArgoCD]:
    """Argo CD in the namespace `argocd` of a control plane for the time of the `with` block; built first if missing.

    `components`: folders of kustomize components, upon its own manifests. `plugin`: a plugin.yaml, whose commands find
    `programs` on PATH. Git is asked every `resync_seconds`. Nothing is left behind, even if this process is killed.
    Raises BuildError, InstallError, ClusterError.
    """
    program = ensure_built()
    with new_state() as state:
        argo = ArgoCD(program, state, resync_seconds)
    try:
        argo.start(cluster, components, plugin, programs)
        yield argo
    finally:
        argo.stop()


def _accepts(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True


def _healthy(port: int) -> bool:
    return request(f"http://127.0.0.1:{port}/healthz")[0] == 200
