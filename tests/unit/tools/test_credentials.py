import base64
import json
from pathlib import Path

from tools.cluster.credentials import authority_of, new_identity, service_account_key, token_file, write_kubeconfig


def test_the_service_account_key_is_a_fresh_sec1_key_on_p256() -> None:
    head, *body, tail = service_account_key().splitlines()
    der = base64.b64decode("".join(body))
    assert (head, tail) == ("-----BEGIN EC PRIVATE KEY-----", "-----END EC PRIVATE KEY-----")
    assert der[:2] == bytes([0x30, len(der) - 2])
    assert der[2:7] == bytes.fromhex("0201010420")
    assert der[39:] == bytes.fromhex("a00a06082a8648ce3d030107")
    assert service_account_key() != service_account_key()


def test_groups_are_one_quoted_field_of_the_token_file() -> None:
    admin = new_identity("admin", "system:masters,others")
    assert token_file(admin) == f'{admin.token},admin,admin,"system:masters,others"\n'


def test_the_authority_is_the_last_certificate_of_the_bundle() -> None:
    one, two = (f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n" for text in ("b25l", "dHdv"))
    assert authority_of(one + two) == two
    assert authority_of(two) == two


def test_a_kubeconfig_is_for_its_owner_only(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:1", "secret", "PEM")
    content = json.loads(path.read_text())
    assert path.stat().st_mode & 0o077 == 0
    assert content["users"][0]["user"]["token"] == "secret"
    assert base64.b64decode(content["clusters"][0]["cluster"]["certificate-authority-data"]) == b"PEM"
