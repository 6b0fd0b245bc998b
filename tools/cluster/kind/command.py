"""Runs programs, which do not outlive this one, and explains their failures."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.cluster.process import die_with_parent

_LINES = 20


class KindError(Exception):
    """A step did not work; the message says which, and what the program said last."""


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    stdin: IO[bytes] | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """What the program printed to stdout. Raises KindError."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        capture_output=True,
        cwd=cwd,
        env=environment,
        check=False,
        preexec_fn=die_with_parent,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise KindError(failure(what, command, done.returncode, said))
    return done.stdout.decode()


@contextmanager
def as_file(text: str) -> Iterator[IO[bytes]]:
    """The text as something that `run` takes for stdin."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield file


def failure(what: str, command: Sequence[str | Path], code: int, said: str) -> str:
    """The message about a program that failed: what it was for, the program, the end of what it said."""
    last = "\n".join(said.strip().splitlines()[-_LINES:])
    return f"{what} failed: {Path(command[0]).name} ended with exit status {code}. It said last:\n{last}"
