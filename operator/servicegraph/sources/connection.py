"""Where the API server is and how to be somebody there: a kubeconfig, or a pod's ServiceAccount."""

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yaml import YAMLError

REREAD_SECONDS = 60.0
"""How long a token is used before it is asked for again: the kubelet rotates them, plugins let them expire."""

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ConnectionConfigError(Exception):
    """There is no way to an API server; the message says what to set."""


class CredentialsError(Exception):
    """A token could not be had now: its file, or the plugin that makes it, failed."""


class Credentials:
    """The Authorization header, read again as tokens rotate. `read` may block: it runs in a thread."""

    def __init__(self, read: Callable[[], str | None]) -> None:
        self._read = read
        self._header: str | None = None
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def header(self, *, refused: str | None = None) -> str | None:
        """The header's value, None for none. `refused` is one that the API server just did not accept.

        Raises CredentialsError.
        """
        async with self._reading:
            old = self._read_at is None or time.monotonic() - self._read_at > REREAD_SECONDS
            if old or (refused is not None and refused == self._header):
                try:
                    self._header = await asyncio.to_thread(self._read)
                except Exception as error:  # files and plugins have no one way to fail
                    raise CredentialsError(f"no credentials: {error}") from error
                self._read_at = time.monotonic()
            return self._header


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server. `tls` is None for plain HTTP; `namespace` is the one the configuration speaks of."""

    server: str
    credentials: Credentials
    tls: ssl.SSLContext | None = None
    server_hostname: str | None = None
    proxy: str | None = None
    namespace: str = "default"


def connect(kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """The API server of `kubeconfig`; without one, of the pod this runs in; else of the user's own kubeconfig.

    Raises ConnectionConfigError.
    """
    if kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        return in_cluster()
    return from_kubeconfig(kubeconfig, context)


def in_cluster(account: Path = SERVICE_ACCOUNT) -> Connection:
    """The API server of the pod this runs in, as its ServiceAccount. Raises ConnectionConfigError."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST", ""), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = account / "token"
    try:
        tls = ssl.create_default_context(cafile=str(account / "ca.crt"))
        namespace = (account / "namespace").read_text().strip()
        token.read_text()
    except OSError as error:
        raise ConnectionConfigError(
            f"the ServiceAccount cannot be read: {error}. Is automountServiceAccountToken off? "
            "Outside a cluster, name a kubeconfig"
        ) from None
    address = f"[{host}]" if ":" in host else host
    return Connection(
        server=f"https://{address}:{port}",
        credentials=Credentials(lambda: f"Bearer {token.read_text().strip()}"),
        tls=tls,
        namespace=namespace,
    )


def from_kubeconfig(kubeconfig: Path | None = None, context: str | None = None) -> Connection:
    """The API server of a kubeconfig, with whatever users authenticate with there, exec plugins included.

    Raises ConnectionConfigError.
    """
    try:
        return _from_kubeconfig(str(kubeconfig) if kubeconfig else None, context)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, YAMLError) as error:
        # The loader has no one way to say that a file is not what it expects.
        name, why = kubeconfig or "the default kubeconfig", str(error).rstrip(".")
        raise ConnectionConfigError(f"{name} cannot be used: {why}. Name another with --kubeconfig") from None


def _from_kubeconfig(file: str | None, context: str | None) -> Connection:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config

    found = Configuration()

    def load() -> None:
        load_kube_config(file, context, client_configuration=found, persist_config=False)  # type: ignore[no-untyped-call]

    def authorization() -> str | None:
        load()
        return found.get_api_key_with_prefix("BearerToken")

    try:
        load()
        contexts, current = list_kube_config_contexts(file)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise ValueError(str(error)) from None
    chosen = next((c for c in contexts if c["name"] == context), current)
    encrypted = found.host.startswith("https")
    return Connection(
        server=found.host,
        credentials=Credentials(authorization),
        tls=_tls(found.ssl_ca_cert, found.cert_file, found.key_file, verify=found.verify_ssl) if encrypted else None,
        server_hostname=found.tls_server_name,
        proxy=found.proxy,
        namespace=chosen["context"].get("namespace") or "default",
    )


def _tls(authority: str | None, certificate: str | None, key: str | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
