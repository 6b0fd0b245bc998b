"""The operator as a process of its own: with the ServiceAccount and the RBAC of config/, and no more rights."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import yaml

from tests.contract import CRD, ROOT
from tests.integration.kube import Kube
from tests.waiting import PATIENCE, SECONDS, eventually
from tools.cluster.toolchain import find_kubectl

SYSTEM = "servicegraph-system"
ACCOUNT = "servicegraph-operator"
USER = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"

QUICK = {
    "lease-seconds": "40",
    "renew-seconds": "30",
    "retry-seconds": "0.4",
    "request-seconds": "10",
    "drain-poll-seconds": "0.5",
    "resync-seconds": "3600",
}
"""Tests see at once what takes others seconds; but a lease outlasts a machine that has other work.

No resync mends what was missed, except where a test is about it.
"""

HASTY = {"lease_seconds": "7", "renew_seconds": "5", "request_seconds": "3"}
"""For tests in which a lease runs out."""

GRACE_SECONDS = 30.0
"""What the Deployment of config/manager grants it to stop."""

_PORT = re.compile(r"on port (\d+)")


def install(kube: Kube, folder: Path) -> Path:
    """Install what config/ gives the operator, and return a kubeconfig of its ServiceAccount. May be called again."""
    _kubectl(kube, "apply", "--server-side", "--force-conflicts", "-f", str(CRD))
    _kubectl(kube, "wait", "--for=condition=Established", f"--timeout={SECONDS:.0f}s", "-f", str(CRD))
    _kubectl(kube, "apply", "-k", str(ROOT / "config" / "namespace"))
    _kubectl(kube, "apply", "-k", str(ROOT / "config" / "rbac"))
    return kubeconfig_of(kube, SYSTEM, ACCOUNT, folder)


def kubeconfig_of(kube: Kube, namespace: str, account: str, folder: Path) -> Path:
    """A kubeconfig for a ServiceAccount, with a token that lasts for the tests."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    eventually(lambda: kube.try_call("GET", path.removesuffix("/token"))[0] == 200, f"the ServiceAccount {account}")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    token = kube.call("POST", path, body)["status"]["token"]
    config = yaml.safe_load(kube.kubeconfig.read_text())
    current = next(c for c in config["contexts"] if c["name"] == config["current-context"])
    current["context"] |= {"user": account, "namespace": namespace}
    config |= {"contexts": [current], "users": [{"name": account, "user": {"token": token}}]}
    found = folder / f"{namespace}-{account}.kubeconfig"
    found.write_text(yaml.safe_dump(config))
    return found


def through(url: str, kubeconfig: Path, folder: Path) -> Path:
    """A kubeconfig of the same user that goes by way of `url`."""
    config = yaml.safe_load(kubeconfig.read_text())
    for found in config["clusters"]:
        found["cluster"]["server"] = url
    detour = folder / f"detour-{kubeconfig.name}"
    detour.write_text(yaml.safe_dump(config))
    return detour


class Operator:
    """One operator process. Its log is `log`; settings are flags without their dashes."""

    def __init__(self, kubeconfig: Path, log: Path, settings: dict[str, str]) -> None:
        self.log = log
        flags = [part for name, value in (QUICK | settings).items() for part in (f"--{name}", value)]
        program = Path(sys.executable).with_name("servicegraph")
        self._command = [str(program), "operator", "--kubeconfig", str(kubeconfig), "--listen", "127.0.0.1:0", *flags]
        self.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def answers(self, path: str) -> str | None:
        """The answer of /metrics, /healthz or /readyz; None when it is not 200 or there is no answer."""
        ports = _PORT.findall(self.text)
        if not ports:
            return None
        try:
            with urlopen(f"http://127.0.0.1:{ports[-1]}{path}", timeout=30) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return None

    def metric(self, name: str) -> float:
        """The value of a metric without labels, or with them as Prometheus writes them."""
        text = self.answers("/metrics") or ""
        values = [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.rpartition(" ")[0] == name]
        return sum(values)

    def is_leading(self) -> bool:
        """Whether it writes."""
        return self.metric("servicegraph_leader") == 1

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        self._process.send_signal(number)

    def start(self) -> None:
        """Start the process, again if it has ended."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SERVICEGRAPH_")}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output, env=environment)

    def stop(self) -> int:
        """Ask it to stop, and wait for its exit code."""
        if self.exit_code is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the operator did not stop within {GRACE_SECONDS:g} s:\n{self.text}") from None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


@contextmanager
def operating(kubeconfig: Path, folder: Path, name: str = "operator", **settings: str) -> Iterator[Operator]:
    """An operator for the time of the block, leading or waiting to; settings with underscores for dashes."""
    flags = {key.replace("_", "-"): value for key, value in settings.items()}
    operator = Operator(kubeconfig, folder / f"{name}.log", flags)
    try:
        yield operator
    finally:
        if operator.exit_code is None:
            operator.stop()


def leading(operator: Operator) -> Operator:
    """The operator, once it leads."""
    eventually(lambda: operator.is_leading() or operator.exit_code is not None, "the operator leads")
    assert operator.exit_code is None, operator.text
    return operator


@contextmanager
def down(operator: Operator) -> Iterator[None]:
    """A shared operator is stopped for the time of the block, and leads again afterwards."""
    assert operator.stop() == 0
    try:
        yield
    finally:
        operator.start()
        leading(operator)


def _kubectl(kube: Kube, *arguments: str) -> None:
    command = [str(find_kubectl()), "--kubeconfig", str(kube.kubeconfig), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
