"""The YAML scanner, and what it says about broken text in words that tell what to do."""

from collections.abc import Iterator
from typing import cast

import yaml
from yaml.error import Mark
from yaml.events import Event

from servicegraph.sources.errors import InputError

TOO_DEEP = "nested too deep"
_QUOTE = "put the value in quotes"
_ADVICE = {
    "mapping values are not allowed in this context": f"{_QUOTE} if it holds `: `, else check the indentation",
    TOO_DEEP: "write it flatter",
    "could not find expected ':'": "write `key: value`, or check the indentation",
    "did not find expected key": "check the indentation and the quotes above",
    "did not find expected '-' indicator": "check the indentation",
    "did not find expected <document start>": "separate documents with a line of `---`",
    "found character that cannot start any token": _QUOTE,
    "found unexpected end of stream": "close the quotes or brackets that were opened",
    "found incompatible YAML document": "leave the %YAML line out",
    "found unknown escape character": "double the backslash, or use single quotes",
}


def events(text: str) -> Iterator[Event]:
    """The events of a YAML stream. Raises yaml.YAMLError."""
    parser = yaml.CSafeLoader(text)
    try:
        while (event := parser.get_event()) is not None:
            yield event
    finally:
        parser.dispose()


def starting(event: Event) -> Mark:
    """Where an event begins; lines, columns and characters count from 0."""
    return cast(Mark, event.start_mark)


def ending(event: Event) -> Mark:
    """Where an event ends."""
    return cast(Mark, event.end_mark)


def explain(error: yaml.YAMLError, file: str, text: str) -> InputError:
    """A scanner's or parser's error with its place and what to do."""
    if isinstance(error, yaml.reader.ReaderError):
        position = int(error.position)
        line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
        return InputError(file, f"the control character {error.character:#06x} is not YAML: remove it", line, column)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return InputError(file, f"not valid YAML: {error}")
    problem, mark = str(error.problem), error.problem_mark
    around = text.split("\n")[max(mark.line - 1, 0) : mark.line + 1]
    return InputError(
        file, f"not valid YAML: {problem}: {_advice(problem, around, mark.column)}", mark.line + 1, mark.column + 1
    )


def _advice(problem: str, around: list[str], column: int) -> str:
    """What to do; `around` is the line of the problem and the one above it."""
    if any("{{" in line for line in around):
        return "this looks like a template, render it first: helm template . | servicegraph render -"
    if "tab" in problem or around[-1][column : column + 1] == "\t":
        return "a tab cannot indent, use spaces"
    return _ADVICE.get(problem, "check the indentation, quotes and brackets here and in the lines above")
