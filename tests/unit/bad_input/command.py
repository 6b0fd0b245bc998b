"""Runs `servicegraph render` as a user would, in this process."""

from typing import Any, NamedTuple

from servicegraph.cli.main import main


class Ran(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    printed: str
    said: str


def run(capture: Any, *arguments: str) -> Ran:
    """Run it with pytest's capsysbinary."""
    capture.readouterr()
    code = main(["render", *arguments])
    printed, said = capture.readouterr()
    return Ran(code, printed.decode(), said.decode())
