"""Names for products: a digest of everything that can change them."""

import hashlib
from pathlib import Path

Part = str | bytes | Path


def content_key(*parts: Part) -> str:
    """16 hexadecimal digits from texts, files (their content) and folders (relative paths and contents)."""
    digest = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
    return digest.hexdigest()[:16]


def _pieces(part: Part) -> list[bytes]:
    if isinstance(part, bytes):
        return [part]
    if isinstance(part, str):
        return [part.encode()]
    if part.is_file():
        return [part.read_bytes()]
    files = sorted(file for file in part.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return [piece for file in files for piece in (str(file.relative_to(part)).encode(), file.read_bytes())]
