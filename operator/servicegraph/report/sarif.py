"""Findings as a SARIF 2.1.0 log, which code hosts show beside the lines of a change.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import quote

import msgspec

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Level = Literal["error", "warning", "note"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")


class Finding(msgspec.Struct, frozen=True):
    """One result. `rule` is a stable code in CamelCase; `line` counts from 1, and 0 means the file as a whole."""

    rule: str
    level: Level
    message: str
    file: str
    line: int = 0


def sarif(findings: Iterable[Finding], version: str, help_page: str) -> dict[str, Any]:
    """The log of one run, in the order given. `help_page` explains each rule under a heading of its name."""
    found = list(findings)
    rules = sorted({finding.rule for finding in found}, key=str.lower)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "servicegraph",
                        "semanticVersion": version,
                        "rules": [_rule(rule, help_page) for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, rules.index(finding.rule)) for finding in found],
            }
        ],
    }


def _rule(rule: str, help_page: str) -> dict[str, Any]:
    words = " ".join(_WORD.findall(rule))
    return {
        "id": rule,
        "name": rule,
        "shortDescription": {"text": words},
        "fullDescription": {"text": words},
        "help": {"text": f"{help_page}#{rule.lower()}"},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(finding.file)}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"servicegraph/v1": _fingerprint(finding)},
    }


def _artifact(file: str) -> dict[str, str]:
    """Relative paths stand below the root of the repository; standard input and the like have a name only."""
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}


def _fingerprint(finding: Finding) -> str:
    """The same while the finding is the same, whatever line it moves to."""
    told = "\0".join((finding.rule, finding.file, finding.message))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
