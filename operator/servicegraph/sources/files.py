"""From what is named on a command line to text: files, folders, standard input."""

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from servicegraph.sources.errors import InputError

STDIN = "-"
SUFFIXES = frozenset((".yaml", ".yml", ".json"))
"""What is read of a folder."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def texts(names: Iterable[str]) -> Iterator[tuple[str, str] | InputError]:
    """Name and content of every file meant by `names`: a file of any name, a folder, or `-` for standard input.

    Of a folder, the *.yaml, *.yml and *.json files, its folders included, in the order of their names; what begins
    with a dot is skipped. What cannot be read comes as an InputError in its place.
    """
    for name in names:
        if name == STDIN:
            yield decoded("<stdin>", sys.stdin.buffer.read())
        else:
            for found in _files(Path(name)):
                yield found if isinstance(found, InputError) else _read(found)


def read(name: str) -> str:
    """The content of one file. Raises InputError."""
    found = _read(Path(name))
    if isinstance(found, InputError):
        raise found
    return found[1]


def _files(path: Path) -> Iterator[Path | InputError]:
    if path.is_dir():
        yield from _folder(path, set())
    else:
        yield path


def _folder(folder: Path, seen: set[Path]) -> Iterator[Path | InputError]:
    """The files of a folder; `seen` ends the loops that links make."""
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        yield _unreadable(folder, error)
        return
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _folder(path, seen)
        elif path.suffix in SUFFIXES and (path.is_file() or not path.exists()):
            yield path


def _read(path: Path) -> tuple[str, str] | InputError:
    try:
        return decoded(str(path), path.read_bytes())
    except OSError as error:
        return _unreadable(path, error)


def decoded(name: str, data: bytes) -> tuple[str, str] | InputError:
    """The bytes of a file as text, with its name."""
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return InputError(name, f"this is not {encoding.upper()} text: save it as UTF-8, or leave it out", line)
    if (zero := text.find("\0")) >= 0:
        return InputError(name, "this is a binary file, not YAML: leave it out", text.count("\n", 0, zero) + 1)
    return name, text


def _unreadable(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        missing = "it is a link to a file that is not there" if path.is_symlink() else "there is no such file or folder"
        return InputError(str(path), f"{missing}: check the path")
    if isinstance(error, PermissionError):
        return InputError(str(path), "permission denied: make it readable, or leave it out")
    return InputError(str(path), f"it cannot be read: {error.strerror or error}")
