"""SARIF logs hold what the standard requires and what code hosts need to show a finding beside its line."""

import json
import re
from typing import Any
from urllib.parse import urlparse

import msgspec
import pytest

from servicegraph.report.sarif import Finding, sarif

WIDE = Finding("WideCIDR", "warning", "0.0.0.0/0 is every address there is", "shop/graph.yaml", 9)
HALF = Finding("HalfOpen", "note", "only the caller's half opens", "shop/graph.yaml", 4)
NOWHERE = Finding("PortNotFound", "error", "there is no port 8080", "<stdin>")

REQUIRED = {
    "sarifLog": ("version", "runs"),
    "run": ("tool",),
    "tool": ("driver",),
    "toolComponent": ("name",),
    "reportingDescriptor": ("id",),
    "multiformatMessageString": ("text",),
    "result": ("message",),
}
"""The required properties of the objects that we write, as in sarif-schema-2.1.0.json."""

CODE_HOST = {
    "reportingDescriptor": ("shortDescription", "fullDescription", "help"),
    "result": ("ruleId", "level", "locations", "partialFingerprints"),
}
"""What GitHub wants besides:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""


def log(*findings: Finding) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(sarif(findings, "1.2.3", "docs/problems.md")))
    return written


def objects(written: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every object of a log with the name that the standard gives it."""
    found: list[tuple[str, dict[str, Any]]] = [("sarifLog", written)]
    for run in written["runs"]:
        driver = run["tool"]["driver"]
        found += [("run", run), ("tool", run["tool"]), ("toolComponent", driver)]
        for rule in driver["rules"]:
            texts = [rule[key] for key in ("shortDescription", "fullDescription", "help")]
            found += [("reportingDescriptor", rule), *(("multiformatMessageString", text) for text in texts)]
        found += [("result", result) for result in run["results"]]
    return found


@pytest.mark.parametrize("findings", [(), (WIDE,), (WIDE, HALF, NOWHERE, WIDE)], ids=["none", "one", "several"])
def test_what_is_required_is_there(findings: tuple[Finding, ...]) -> None:
    written = log(*findings)
    assert written["version"] == "2.1.0"
    assert urlparse(written["$schema"]).scheme == "https"
    for kind, value in objects(written):
        missing = {*REQUIRED[kind], *CODE_HOST.get(kind, ())} - value.keys()
        assert not missing, (kind, missing)
    assert len(written["runs"][0]["results"]) == len(findings)


def test_values_are_those_that_the_standard_knows() -> None:
    (run,) = log(WIDE, HALF, NOWHERE)["runs"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", run["tool"]["driver"]["semanticVersion"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert {result["level"] for result in run["results"]} <= {"none", "note", "warning", "error"}
    assert all(result["message"]["text"] for result in run["results"])


def test_each_result_leads_to_its_rule() -> None:
    (run,) = log(WIDE, HALF, NOWHERE, HALF)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["HalfOpen", "PortNotFound", "WideCIDR"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[2]["shortDescription"]["text"] == "Wide CIDR"
    assert rules[2]["help"]["text"] == "docs/problems.md#widecidr"


@pytest.mark.parametrize(
    ("file", "artifact"),
    [
        ("shop/graph.yaml", {"uri": "shop/graph.yaml", "uriBaseId": "%SRCROOT%"}),
        ("with space/ü.yaml", {"uri": "with%20space/%C3%BC.yaml", "uriBaseId": "%SRCROOT%"}),
        ("<stdin>", {"uri": "%3Cstdin%3E", "uriBaseId": "%SRCROOT%"}),
        ("/srv/graph.yaml", {"uri": "file:///srv/graph.yaml"}),
    ],
)
def test_files_become_addresses(file: str, artifact: dict[str, str]) -> None:
    (result,) = log(Finding("WideCIDR", "warning", "wide", file, 3))["runs"][0]["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {"artifactLocation": artifact, "region": {"startLine": 3}}


def test_a_finding_without_a_line_has_no_region() -> None:
    (result,) = log(NOWHERE)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"].keys() == {"artifactLocation"}


def test_a_fingerprint_outlives_a_change_of_lines_and_nothing_else() -> None:
    def fingerprint(**changed: Any) -> str:
        (result,) = log(msgspec.structs.replace(WIDE, **changed))["runs"][0]["results"]
        found: str = result["partialFingerprints"]["servicegraph/v1"]
        return found

    same = fingerprint()
    assert fingerprint(line=12) == same
    assert same not in {fingerprint(rule="HalfOpen"), fingerprint(message="other"), fingerprint(file="b.yaml")}
