"""Files as they are in a revision of a git repository, without checking it out."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from servicegraph.sources.documents import Document, parse
from servicegraph.sources.errors import InputError
from servicegraph.sources.files import SUFFIXES, decoded

_FILES = ("100644", "100755")


def revisions(written: str) -> tuple[str, str | None]:
    """The two sides of `main..HEAD`; one revision alone is compared with the files as they are now: None.

    `main...HEAD` begins where the two parted. Raises InputError.
    """
    old, dots, new = written.partition("..")
    if not dots:
        return old, None
    new = new or "HEAD"
    if new.startswith("."):
        new = new.removeprefix(".") or "HEAD"
        return _git(Path.cwd(), written, "merge-base", _name(old or "HEAD"), _name(new)).decode().strip(), new
    return old or "HEAD", new


def documents(revision: str, names: Iterable[str]) -> Iterator[Document | InputError]:
    """The objects in files and folders at a revision, by the rules that hold for folders on disk.

    A file is named like `main:deploy/graph.yaml`. What was not there at that revision holds nothing. What cannot be
    read comes as an InputError in its place.
    """
    try:
        for name in names:
            yield from _below(revision, Path(name))
    except InputError as error:
        yield error


def _below(revision: str, path: Path) -> Iterator[Document | InputError]:
    start = path if path.is_dir() else _nearest(path)
    root = Path(_git(start, str(path), "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _git(start, revision, "rev-parse", "--verify", "--quiet", f"{_name(revision)}^{{commit}}")
    inside = Path(os.path.relpath(path.resolve(), root.resolve())).as_posix()
    listed = _git(root, revision, "ls-tree", "-r", "-z", commit.decode().strip(), "--", inside)
    files: list[tuple[str, str]] = []
    for entry in filter(None, listed.decode(errors="surrogateescape").split("\0")):
        about, _, name = entry.partition("\t")
        mode, _, blob = about.split()
        if mode in _FILES and (name == inside or _is_read(name, inside)):
            files.append((name, blob))
    for name, data in zip((name for name, _ in files), _contents(root, [blob for _, blob in files]), strict=True):
        found = decoded(f"{revision}:{name}", data)
        if isinstance(found, InputError):
            yield found
        else:
            yield from parse(*found)


def _is_read(name: str, folder: str) -> bool:
    below = PurePosixPath(name).relative_to("." if folder == "." else folder)
    return below.suffix in SUFFIXES and not any(part.startswith(".") for part in below.parts)


def _nearest(path: Path) -> Path:
    """The folder that a path is in, or was in before it was deleted."""
    return next((parent for parent in path.absolute().parents if parent.is_dir()), Path.cwd())


def _contents(root: Path, blobs: list[str]) -> Iterator[bytes]:
    """The blobs, read by one process."""
    if not blobs:
        return
    rest = _git(root, "objects", "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode())
    for _ in blobs:
        header, _, rest = rest.partition(b"\n")
        size = int(header.split()[-1])
        yield rest[:size]
        rest = rest[size + 1 :]


def _name(revision: str) -> str:
    """A revision that git does not take for an option."""
    if revision.startswith("-") or not revision:
        raise InputError(f"--git {revision}", "this is no revision: write a branch, a tag or a commit")
    return revision


def _git(folder: Path, what: str, *arguments: str, given: bytes | None = None) -> bytes:
    """What git prints. Raises InputError that says about `what` it failed."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError("git", "the program git is not installed, and --git needs it") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ").splitlines()
    if said and "not a git repository" in said[0]:
        raise InputError(str(folder), "this is not in a git repository, and --git reads its revisions")
    if arguments[0] in ("rev-parse", "merge-base"):
        raise InputError(f"--git {what}", f"git knows no revision {what!r} here: see `git branch -a` and `git log`")
    raise InputError(f"--git {what}", f"git cannot read it: {said[0] if said else 'it does not say why'}")
