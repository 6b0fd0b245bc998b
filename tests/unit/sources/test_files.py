"""What is named on a command line becomes text: files, folders, standard input."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servicegraph.sources.errors import InputError
from servicegraph.sources.files import texts


def read(*names: str | Path) -> tuple[list[str], list[str]]:
    found = list(texts([str(name) for name in names]))
    return [f[1] for f in found if not isinstance(f, InputError)], [str(f) for f in found if isinstance(f, InputError)]


def test_a_folder_is_its_yaml_and_json_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c/d.json", "c/.hidden.yaml", ".git/e.yaml", "f.txt", "a/z.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert read(tmp_path) == (["a/z.yaml", "a.yaml", "b.yml", "c/d.json"], [])


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / ".x.txt").write_text("x")
    assert read(tmp_path / ".x.txt") == (["x"], [])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfa: 1")))
    assert read("-") == (["a: 1"], [])


def test_a_pipe_that_is_named_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a: 1")
    os.close(writing)
    assert read(f"/dev/fd/{reading}") == (["a: 1"], [])
    os.close(reading)


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.yaml").write_text("x")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "twin.yaml").symlink_to(tmp_path / "sub" / "x.yaml")
    assert read(tmp_path) == (["x", "x"], [])


def test_pipes_and_sockets_in_a_folder_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    assert read(tmp_path) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.yaml").write_bytes("a: é".encode(encoding))
    assert read(tmp_path) == (["a: é"], [])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: \xff\n", ":2: error: this is not UTF-8 text: save it as UTF-8, or leave it out"),
        (b"\x7fELF\n\n\0\0", ":3: error: this is a binary file, not YAML: leave it out"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "x.yaml").write_bytes(data)
    assert read(tmp_path) == ([], [f"{tmp_path}/x.yaml{expected}"])


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("gone")
    missing, dangling = tmp_path / "y", tmp_path / "x.yaml"
    assert read(missing)[1] == [f"{missing}: error: there is no such file or folder: check the path"]
    expected = [f"{dangling}: error: it is a link to a file that is not there: check the path"]
    assert read(dangling)[1] == expected == read(tmp_path)[1]


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").symlink_to("x.yaml")
    assert read(tmp_path / "x.yaml")[1][0].startswith(f"{tmp_path}/x.yaml: error: it cannot be read: ")


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything, so it steps down for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    (tmp_path / "x.yaml").write_text("x")
    (tmp_path / "locked").mkdir()
    (tmp_path / "x.yaml").chmod(0)
    (tmp_path / "locked").chmod(0)
    with unprivileged():
        errors = read(tmp_path)[1]
    advice = "permission denied: make it readable, or leave it out"
    assert errors == [f"{tmp_path}/{name}: error: {advice}" for name in ("locked", "x.yaml")]
