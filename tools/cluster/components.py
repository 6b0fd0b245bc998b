"""The command lines of the control plane's components, and the files they read."""

import json
from dataclasses import dataclass
from pathlib import Path

from tools.cluster.build import Binaries

SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.244.0.0/16"
# The API server refuses a loopback address as the endpoint of default/kubernetes. Nothing listens on this one.
ADVERTISED = "198.18.0.1"

WRITES_ONLY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted", "Panic"],
    "rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}],
}


@dataclass(frozen=True, slots=True)
class Files:
    """Where a cluster's files are, all inside its state folder."""

    state: Path

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def controller_kubeconfig(self) -> Path:
        """The controller manager's kubeconfig."""
        return self.state / "controller-manager.kubeconfig"

    @property
    def certificates(self) -> Path:
        """The folder where the API server keeps the certificate that it makes for itself."""
        return self.state / "certificates"

    @property
    def ca(self) -> Path:
        """The certificate clients trust."""
        return self.state / "ca.crt"

    @property
    def service_account_key(self) -> Path:
        """Signs service account tokens."""
        return self.state / "service-account.key"

    @property
    def tokens(self) -> Path:
        """The static tokens of users."""
        return self.state / "tokens.csv"

    @property
    def audit_policy(self) -> Path:
        """What is audited: requests that write."""
        return self.state / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """One JSON event a line, written before the client has its answer."""
        return self.state / "audit.log"

    def log(self, component: str) -> Path:
        """A component's output."""
        return self.state / f"{component}.log"


def etcd_command(binaries: Binaries, files: Files, client_port: int, peer_port: int) -> list[str]:
    """Etcd on loopback. It does not wait for the disk: the data is worth nothing after the run."""
    client, peer = f"http://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(binaries.etcd),
        f"--name={files.state.name}",
        f"--data-dir={files.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={files.state.name}={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--quota-backend-bytes={4 << 30}",
    ]


def apiserver_command(binaries: Binaries, files: Files, etcd_url: str, port: int, *, audit: bool) -> list[str]:
    """The API server: RBAC, static tokens, a certificate of its own; limits high enough for benchmarks."""
    command = [
        str(binaries.kube_apiserver),
        f"--etcd-servers={etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--advertise-address={ADVERTISED}",
        f"--cert-dir={files.certificates}",
        f"--token-auth-file={files.tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={files.service_account_key}",
        f"--service-account-signing-key-file={files.service_account_key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--allow-privileged",
        "--max-requests-inflight=3000",
        "--max-mutating-requests-inflight=1000",
    ]
    if audit:
        command += [f"--audit-policy-file={files.audit_policy}", f"--audit-log-path={files.audit_log}"]
        command += ["--audit-log-maxsize=10000"]
    return command


def controller_manager_command(binaries: Binaries, files: Files) -> list[str]:
    """The controllers, each with its own service account, and no port."""
    return [
        str(binaries.kube_controller_manager),
        f"--kubeconfig={files.controller_kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={files.service_account_key}",
        f"--root-ca-file={files.ca}",
        f"--cluster-cidr={POD_RANGE}",
        "--allocate-node-cidrs=true",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]


def write_audit_policy(files: Files) -> None:
    """Only writes are logged, without bodies."""
    files.audit_policy.write_text(json.dumps(WRITES_ONLY, indent=2) + "\n")
