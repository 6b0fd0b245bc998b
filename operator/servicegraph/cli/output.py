"""What every command says in the same way: problems with their place, JSON envelopes, exit codes."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
import typer

from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import GraphKey
from servicegraph.sources.documents import Document
from servicegraph.sources.errors import InputError

FINE, FINDINGS, REFUSED = 0, 1, 2
"""Exit codes. REFUSED: input that cannot be read or is invalid, nothing was printed on stdout."""

_BROKEN_PIPE = 128 + 13
_MOST = 100
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}


class Finding(msgspec.Struct, frozen=True):
    """A problem with the place of the entry it is about."""

    code: Code
    severity: Severity
    graph: str
    path: str
    message: str
    file: str
    line: int


def findings(problems: Iterable[Problem], documents: Mapping[GraphKey, Document]) -> list[Finding]:
    """Problems with their places, by file and line."""
    found = []
    for problem in problems:
        document = documents[problem.graph]
        line = document.line(problem.path)
        found.append(
            Finding(
                problem.code,
                problem.severity,
                str(problem.graph),
                problem.path,
                problem.message,
                document.file,
                line,
            )
        )
    return sorted(found, key=lambda f: (f.file, f.line, f.severity, f.code, f.message))


def exit_code(found: Iterable[Finding], strict: bool) -> int:
    """FINDINGS where there is an error, and with `strict` where there is a warning."""
    grave = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return FINDINGS if any(finding.severity in grave for finding in found) else FINE


def envelope(kind: str, items: Sequence[Any], found: Sequence[Finding], summary: Mapping[str, Any]) -> str:
    """What `-o json` prints, for every command the same; docs/schemas/ describes the items."""
    return as_json(enveloped(kind, items, found, summary))


def enveloped(
    kind: str, items: Sequence[Any], found: Sequence[Finding], summary: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """The same as an object, with what a kind has beside its items."""
    problems = msgspec.to_builtins(found)
    return {"schemaVersion": 1, "kind": kind, "items": items, **more, "problems": problems, "summary": summary}


def as_json(whole: Mapping[str, Any]) -> str:
    """An object as `-o json` prints it."""
    return json.dumps(whole, indent=2) + "\n"


def write(text: str) -> None:
    """Print on stdout, the same bytes on every system. A reader that has gone away ends the program quietly."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_BROKEN_PIPE) from None


def place(file: str, line: int) -> str:
    """`file:line`, which editors and terminals make a link of; line 0 stands for the whole."""
    return f"{file}:{line}" if line else file


def report(found: Sequence[Finding]) -> None:
    """Tell people about problems, on stderr, each on a line that editors can follow."""
    _tell([(place(f.file, f.line), f.severity, f"{f.message} [{f.code}]") for f in found])


def unlisted(gaps: Iterable[InputError]) -> list[Finding]:
    """What a cluster did not tell, as findings."""
    return [Finding(Code.NOT_LISTED, Severity.WARNING, "", "", gap.message, gap.file, gap.line) for gap in gaps]


def hint(document: Document, message: str) -> None:
    """Tell people about a document that they may have expected more of."""
    _tell([(f"{document.file}:{document.line('')}", Severity.INFO, message)])


def note(where: str, message: str) -> None:
    """Tell people what to know of what was printed."""
    _tell([(where, Severity.WARNING, message)])


def refuse(errors: Sequence[InputError]) -> NoReturn:
    """Tell people what is wrong with the input and end the command."""
    _tell([(error.place, Severity.ERROR, f"{error.message} [{Code.INVALID}]") for error in errors])
    raise typer.Exit(REFUSED)


def _tell(lines: Sequence[tuple[str, Severity, str]]) -> None:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for where, severity, message in lines[:_MOST]:
        label = f"\033[1;{_COLOURS[severity]}m{severity}\033[0m" if coloured else severity
        sys.stderr.write(f"{where.translate(_CONTROLS)}: {label}: {message.translate(_CONTROLS)}\n")
    if len(lines) > _MOST:
        sys.stderr.write(f"... and {len(lines) - _MOST} more\n")
