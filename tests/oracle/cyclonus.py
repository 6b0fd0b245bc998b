"""cyclonus (https://github.com/mattfenwick/cyclonus): one question at a time, each end by itself.

It has no default for policyTypes, takes a pod for an address as well, and takes one port name with a question: it is
given explicit policies, blocks that hold no pod when the question is about pods, and a question for every name.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from servicegraph.verify.ends import Address, End
from tests.oracle.cases import Case, Manifest, Question
from tests.oracle.explicit import explicit
from tests.oracle.install import cyclonus
from tests.oracle.labels import Labels, LabelSelector, rewritten, selectors

ABSENT = "no-such-label"
NO_POD = {"cidr": "255.255.255.255/32"}
POD_ADDRESS = "192.0.2.1"


class Halves(NamedTuple):
    """Whether each end allows a connection."""

    egress: bool
    ingress: bool


class Cyclonus:
    """The program, run anew for every case."""

    name = "cyclonus"

    def halves(self, case: Case, questions: Sequence[Question], as_written: bool = False) -> list[Halves]:
        """Its answer to each question; `as_written` without going round what it misreads. Raises RuntimeError."""
        if as_written:
            answers = dict(self._ask(case, questions))
            return [answers[question] for question in questions]
        case = _readable(case)
        between_pods = [q for q in questions if not _with_address(case, q)]
        outside = [q for q in questions if _with_address(case, q)]
        answers = dict(self._ask(replace(case, policies=tuple(map(_no_pod_in_blocks, case.policies))), between_pods))
        answers |= dict(self._ask(case, outside))
        return [answers[question] for question in questions]

    def around(self, case: Case, policies: tuple[Manifest, ...], question: Question) -> tuple[Halves, Halves]:
        """Its answer to a question before the policies are replaced, and after."""
        (before,), (after,) = (self.halves(each, [question]) for each in (case, replace(case, policies=policies)))
        return before, after

    def _ask(self, case: Case, questions: Sequence[Question]) -> Iterator[tuple[Question, Halves]]:
        asked = [(question, traffic) for question in questions for traffic in _traffic(case, question)]
        answers = _answers(self._run(case, [traffic for _, traffic in asked])) if asked else []
        found: dict[Question, Halves] = {}
        for (question, _), answer in zip(asked, answers, strict=True):
            before = found.get(question, Halves(False, False))
            found[question] = Halves(before.egress or answer.egress, before.ingress or answer.ingress)
        yield from found.items()

    @staticmethod
    def _run(case: Case, traffic: list[dict[str, Any]]) -> str:
        with tempfile.TemporaryDirectory(prefix="servicegraph-cyclonus-") as folder:
            policies, questions = Path(folder, "policies.json"), Path(folder, "traffic.json")
            kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList"}
            policies.write_text(json.dumps({**kind, "items": case.policies}))
            questions.write_text(json.dumps(traffic))
            command: list[str | Path] = [cyclonus(), "analyze", "--mode", "query-traffic"]
            command += ["--policy-path", policies, "--traffic-path", questions]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"cyclonus failed ({done.returncode}):\n{done.stderr}")
        return done.stdout


def _readable(case: Case) -> Case:
    """The same in a form that it reads as it is meant (differences.yaml: cyclonus-*)."""
    case = replace(case, policies=tuple(map(explicit, case.policies)))
    misread = set().union(*map(_misread, selectors(case)))

    def labels(said: Labels) -> Labels:
        return {**dict.fromkeys(misread, ABSENT), **said}

    def expression(said: dict[str, Any]) -> dict[str, Any]:
        operator = {"Exists": "NotIn", "DoesNotExist": "In"}.get(said["operator"])
        if operator and said["key"] in misread:
            return {"key": said["key"], "operator": operator, "values": [ABSENT]}
        return said

    def selector(said: LabelSelector, _across: bool) -> LabelSelector:
        return {**said, "matchExpressions": [expression(e) for e in said.get("matchExpressions", ())]}

    return rewritten(case, labels, selector)


def _misread(selector: LabelSelector) -> set[str]:
    """The keys whose absence it takes for something else here."""
    empty = {key for key, value in selector.get("matchLabels", {}).items() if value == ""}
    return empty | {e["key"] for e in selector.get("matchExpressions", ()) if e["operator"] == "NotIn"}


def _no_pod_in_blocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: NO_POD if key == "ipBlock" else _no_pod_in_blocks(inner) for key, inner in value.items()}
    return [_no_pod_in_blocks(inner) for inner in value] if isinstance(value, list) else value


def _with_address(case: Case, question: Question) -> bool:
    return any(isinstance(case.ends[end], Address) for end in (question.source, question.destination))


def _traffic(case: Case, question: Question) -> Iterator[dict[str, Any]]:
    destination = case.ends[question.destination]
    named = [] if isinstance(destination, Address) else destination.named_ports
    names = [p.name for p in named if (p.protocol, p.number) == (question.protocol, question.port)]
    for name in names or [""]:
        yield {
            "Source": _peer(case, case.ends[question.source]),
            "Destination": _peer(case, destination),
            "ResolvedPort": question.port,
            "ResolvedPortName": name,
            "Protocol": question.protocol,
        }


def _peer(case: Case, end: End) -> dict[str, Any]:
    if isinstance(end, Address):
        return {"IP": end.ip}
    namespace = {"Namespace": end.namespace, "NamespaceLabels": case.namespaces[end.namespace]}
    return {"IP": POD_ADDRESS, "Internal": {**namespace, "PodLabels": end.labels}}


def _answers(printed: str) -> list[Halves]:
    return [_halves(part.partition("Is traffic allowed?\n")[2]) for part in printed.split("Traffic:\n")[1:]]


def _halves(table: str) -> Halves:
    """Policies that select an end are its rows, each with what it does: one that allows is enough, none allows all."""
    actions: dict[str, set[str]] = {"Ingress": set(), "Egress": set()}
    total = direction = ""
    for row in table.splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:3]]
        if len(cells) == 2:
            direction = cells[0] or direction
            if cells[1] in ("Allow", "Deny"):
                actions[direction].add(cells[1])
            elif direction == "IS ALLOWED?":
                total = cells[1]
    egress, ingress = (actions[d] != {"Deny"} for d in ("Egress", "Ingress"))
    if total != str(egress and ingress).upper():
        raise RuntimeError(f"cannot read this answer of cyclonus:\n{table}")
    return Halves(egress, ingress)
