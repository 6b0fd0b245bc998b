"""One thing that the doctor looks at, and what it came to."""

from enum import StrEnum

import msgspec


class Result(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `message` says what was found, and what to do where that is not well."""

    name: str
    result: Result
    message: str


def ok(name: str, message: str) -> Check:
    """It is well."""
    return Check(name, Result.OK, message)


def warning(name: str, message: str) -> Check:
    """It may not be well, or could not be seen."""
    return Check(name, Result.WARNING, message)


def error(name: str, message: str) -> Check:
    """It is not well."""
    return Check(name, Result.ERROR, message)


def unseen(name: str, verb: str, resource: str) -> Check:
    """This user may not look."""
    return warning(name, f"not known: you may not {verb} {resource}")
