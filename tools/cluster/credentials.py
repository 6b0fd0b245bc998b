"""Secrets and files by which components and clients know each other, made with no other program."""

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# SEC 1, C.4: SEQUENCE { version 1, OCTET STRING of 32 bytes, [0] { OID prime256v1 } }
_EC_KEY_HEAD = bytes.fromhex("3031020101 0420")
_EC_KEY_TAIL = bytes.fromhex("a00a 06082a8648ce3d030107")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the API server, known by a static token."""

    user: str
    groups: str
    token: str


def new_identity(user: str, groups: str = "") -> Identity:
    """A user with a fresh random token."""
    return Identity(user, groups, secrets.token_urlsafe(32))


def token_file(*identities: Identity) -> str:
    """The content of `--token-auth-file`: CSV lines of token, user, uid and groups."""
    return "".join(f'{one.token},{one.user},{one.user},"{one.groups}"\n' for one in identities)


def service_account_key() -> str:
    """A new P-256 private key in PEM, for signing and checking service account tokens."""
    scalar = secrets.randbelow(_P256_ORDER - 1) + 1
    encoded = base64.encodebytes(_EC_KEY_HEAD + scalar.to_bytes(32, "big") + _EC_KEY_TAIL).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{encoded}-----END EC PRIVATE KEY-----\n"


def authority_of(bundle: str) -> str:
    """The last certificate of a PEM bundle: the authority that signed the API server's own."""
    begin = "-----BEGIN CERTIFICATE-----"
    return begin + bundle.rpartition(begin)[2]


def write_kubeconfig(path: Path, server: str, token: str, ca: str | None = None, namespace: str = "default") -> Path:
    """Write a kubeconfig (as JSON, which is YAML) for one user; `ca` is PEM text, None for plain HTTP."""
    cluster: dict[str, Any] = {"server": server}
    if ca is not None:
        cluster["certificate-authority-data"] = base64.b64encode(ca.encode()).decode()
    name = "servicegraph"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
