"""A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager, started, restarted and ended."""

import base64
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.cluster import components
from tools.cluster.build import Binaries, ensure_built
from tools.cluster.credentials import authority_of, new_identity, service_account_key, token_file, write_kubeconfig
from tools.cluster.http import request
from tools.cluster.launch import ClusterError, retry_ports, wait_until
from tools.cluster.ports import free_port
from tools.cluster.process import Supervisor
from tools.cluster.state import new_state, record

ETCD, APISERVER, CONTROLLERS = "etcd", "kube-apiserver", "kube-controller-manager"
GRACE_SECONDS = 3.0


class Cluster:
    """A running control plane. There are no nodes: pods stay Pending, everything else is real.

    `server` is the API server's URL, `ca` the PEM text that clients trust, `token` the administrator's,
    `etcd_url` etcd's client URL, `kubeconfig` and `audit_log` are paths (None without audit).
    """

    def __init__(self, binaries: Binaries, state: Path, *, audit: bool) -> None:
        self.state = state
        self.etcd_url = ""
        self.server = ""
        self.ca = ""
        self._admin = new_identity("admin", "system:masters")
        self.token = self._admin.token
        self._files = components.Files(state)
        self.kubeconfig = self._files.kubeconfig
        self.audit_log = self._files.audit_log if audit else None
        self._binaries = binaries
        self._supervisor = Supervisor(state)
        self._commands: dict[str, list[str]] = {}
        self.pids: dict[str, int] = {}

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request to the API server as its administrator: status code and decoded answer."""
        return request(self.server + path, method=method, body=body, token=self.token, ca=self.ca, timeout=30)

    def kubeconfig_for(self, token: str, path: Path) -> Path:
        """Write a kubeconfig for another user's token, for example a ServiceAccount's."""
        return write_kubeconfig(path, self.server, token, self.ca)

    def start(self) -> None:
        """Start everything and wait until the API server is ready and controllers work. Raises ClusterError."""
        self._write_files()
        retry_ports(self._launch_etcd)
        retry_ports(self._launch_apiserver)
        self._launch_controllers()

    def start_apiserver(self) -> None:
        """Start the API server, on the port it had, and wait until it is ready."""
        self._start(APISERVER)
        self._wait(APISERVER, self._apiserver_ready)

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """Stop the API server; with `kill` at once, else it has 3 seconds to end what is in flight."""
        self._supervisor.stop(APISERVER, signal.SIGKILL if kill else signal.SIGTERM, GRACE_SECONDS)

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Stop the API server and start it again: watches end, its watch cache is empty, older revisions are 410."""
        self.stop_apiserver(kill=kill)
        self.start_apiserver()

    def start_etcd(self) -> None:
        """Start etcd with the data it had, and wait until the API server is ready again."""
        self._start(ETCD)
        self._wait(ETCD, self._etcd_ready)
        self._wait(APISERVER, self._apiserver_ready)

    def stop_etcd(self, *, kill: bool = False) -> None:
        """Stop etcd, likewise."""
        self._supervisor.stop(ETCD, signal.SIGKILL if kill else signal.SIGTERM, GRACE_SECONDS)

    def restart_etcd(self, *, kill: bool = False) -> None:
        """Stop etcd and start it again."""
        self.stop_etcd(kill=kill)
        self.start_etcd()

    def compact_etcd(self) -> int:
        """Forget all history up to the current revision, which is returned.

        The API server still serves watches from its cache; with restart_apiserver() that is gone too.
        """
        status, answer = self._etcd("/v3/kv/range", key=base64.b64encode(b"\0").decode(), limit=1)
        revision = int(answer["header"]["revision"])
        status, answer = self._etcd("/v3/kv/compaction", revision=str(revision), physical=True)
        if status != 200:
            raise ClusterError(f"etcd refused the compaction at revision {revision}: {answer}")
        return revision

    def stop(self) -> None:
        """End every process and remove the state folder. May be called twice."""
        self._supervisor.close()

    def _write_files(self) -> None:
        controllers = new_identity("system:kube-controller-manager")
        self._controllers_token = controllers.token
        self._files.tokens.touch(mode=0o600)
        self._files.tokens.write_text(token_file(self._admin, controllers))
        self._files.service_account_key.touch(mode=0o600)
        self._files.service_account_key.write_text(service_account_key())
        components.write_audit_policy(self._files)

    def _launch_etcd(self) -> None:
        port = free_port()
        self.etcd_url = f"http://127.0.0.1:{port}"
        self._commands[ETCD] = components.etcd_command(self._binaries, self._files, port, free_port())
        self._start(ETCD)
        self._wait(ETCD, self._etcd_ready)

    def _launch_apiserver(self) -> None:
        port = free_port()
        self.server = f"https://127.0.0.1:{port}"
        self._commands[APISERVER] = components.apiserver_command(
            self._binaries, self._files, self.etcd_url, port, audit=self.audit_log is not None
        )
        self._start(APISERVER)
        certificate = self._files.certificates / "apiserver.crt"
        self._wait(APISERVER, certificate.exists)
        self._wait(APISERVER, self._apiserver_ready)

    def _launch_controllers(self) -> None:
        write_kubeconfig(self.kubeconfig, self.server, self.token, self.ca)
        write_kubeconfig(self._files.controller_kubeconfig, self.server, self._controllers_token, self.ca)
        self._commands[CONTROLLERS] = components.controller_manager_command(self._binaries, self._files)
        self._start(CONTROLLERS)
        self._wait(CONTROLLERS, self._controllers_ready)

    def _etcd_ready(self) -> bool:
        # Another cluster's etcd may have taken the port first: ask for the name, not only for health.
        status, answer = self._etcd("/v3/cluster/member/list")
        return status == 200 and answer["members"][0]["name"] == self.state.name

    def _apiserver_ready(self) -> bool:
        self._files.ca.write_text(authority_of((self._files.certificates / "apiserver.crt").read_text()))
        self.ca = self._files.ca.read_text()
        return self.request("GET", "/readyz")[0] == 200

    def _controllers_ready(self) -> bool:
        return self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == 200

    def _etcd(self, path: str, **body: Any) -> tuple[int, Any]:
        return request(self.etcd_url + path, method="POST", body=body, timeout=30)

    def _start(self, name: str) -> None:
        self.pids[name] = self._supervisor.start(name, self._commands[name], self._files.log(name))

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        wait_until(ready, self._supervisor, name, self._files.log(name))


@contextmanager
def running(*, audit: bool = True, name: str = "") -> Iterator[Cluster]:
    """A control plane of its own for the time of the `with` block; what it needs is built first if it is missing.

    `audit`: keep a log of writes. `name`: what `python3 -m tools.cluster status` calls it.
    Nothing is left behind, even if this process is killed. Raises BuildError, InstallError, ClusterError.
    """
    binaries = ensure_built()
    with new_state() as state:
        cluster = Cluster(binaries, state, audit=audit)
    try:
        cluster.start()
        record(state, name, cluster.server)
        yield cluster
    finally:
        cluster.stop()
