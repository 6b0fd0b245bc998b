"""docs/tutorial.md, as a newcomer follows it: every command is run, and what the page shows is what they see.

The cluster is the embedded one, with a DNS Service as clusters have it.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.contract import ROOT
from tests.integration.kube import Kube
from tests.waiting import SECONDS, eventually
from tools.cluster.toolchain import find_kubectl

PAGE = ROOT / "docs" / "tutorial.md"
DNS = ROOT / "tools" / "demo" / "kube-dns.yaml"
COMMANDS, OUTPUTS = "sh", ("text", "yaml")
ANYTHING = "..."

_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A block of commands, and what the page says that they show; None where it shows nothing."""

    commands: str
    shown: str | None


def steps(page: str) -> list[Step]:
    found: list[Step] = []
    for block in _BLOCK.finditer(page):
        if block["kind"] == COMMANDS:
            found.append(Step(block["text"], None))
        else:
            assert block["kind"] in OUTPUTS, block["kind"]
            assert found[-1].shown is None, "two outputs of one block"
            found[-1] = found[-1]._replace(shown=block["text"])
    return found


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown; a line `...` stands for any lines, and at the end of a line for the rest of it."""
    lines = []
    for line in shown.splitlines():
        if line == ANYTHING:
            lines.append(r"(?:.*\n)*?")
        elif line.endswith(ANYTHING):
            lines.append(re.escape(line.removesuffix(ANYTHING)) + r".*\n")
        else:
            lines.append(re.escape(line) + r"[ ]*\n")
    return re.compile("".join(lines))


class Shell:
    """One shell for all blocks: files, variables and jobs stay."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, commands: str, number: int) -> tuple[int, str]:
        """The output of a block, and 1 where any command of it failed."""
        block, said, code = (self._folder / f".{number}.{name}" for name in ("sh", "out", "code"))
        block.write_text(commands)
        assert self._process.stdin is not None
        steps = f'trap "echo 1 > {code}" ERR; set -E; . {block} > {said} 2>&1; [ -s {code} ] || echo 0 > {code}\n'
        self._process.stdin.write(steps)
        self._process.stdin.flush()
        eventually(lambda: code.exists() and code.read_text().strip(), commands)
        return int(code.read_text()), said.read_text()

    def end(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(SECONDS)


@pytest.fixture
def shell(kube: Kube, tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "config").symlink_to(ROOT / "config")
    programs = os.pathsep.join([str(Path(sys.executable).parent), str(find_kubectl().parent), os.environ["PATH"]])
    kube.apply(yaml.safe_load(DNS.read_text()))
    found = Shell(tmp_path, {**os.environ, "KUBECONFIG": str(kube.kubeconfig), "PATH": programs})
    yield found
    found.end()
    kube.delete("Namespace", "", "tutorial")
    kube.delete("Service", "kube-system", "kube-dns")


def test_every_command_does_what_the_page_shows(shell: Shell) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 8
    for number, step in enumerate(found):
        code, said = shell.run(step.commands, number)
        assert code == 0, f"{step.commands}\n{said}"
        if step.shown is not None:
            assert pattern(step.shown).fullmatch(said), f"{step.commands}\nshows\n{said}\nand the page\n{step.shown}"


def test_output_is_compared() -> None:
    assert pattern("a\n...\nb  ...\n").fullmatch("a\nx\ny\nb  3s\n")
    assert pattern("a\n...\nb\n").fullmatch("a\nb\n")
    assert not pattern("a\nb\n").fullmatch("a\nc\n")
    assert not pattern("a\n").fullmatch("a\nb\n")
