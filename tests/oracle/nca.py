"""network-config-analyzer (https://github.com/np-guard/network-config-analyzer): sets of connections, computed whole.

Left to itself it reads missing policyTypes differently, refuses rules of a direction that policyTypes leaves out,
and appends to its output file: it is given explicit policies and a new file every time. It is silent about a pod and
itself, and an ipBlock never holds a pod.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import yaml

from servicegraph.verify.ends import Pod
from tests.oracle.cases import Case, Question
from tests.oracle.explicit import explicit
from tests.oracle.install import nca_python
from tests.oracle.labels import LabelSelector, rewritten, with_values

_LINE = re.compile(r"(\S+) => (\S+) : (.+)")
_CONNECTIONS = re.compile(r"\{protocols:([A-Z, ]+?)(?:,dst_ports:([0-9, -]+))?\}")
_EVERYTHING = "All connections"


SAME, DIFFERENT = 0, 1


class Changed(NamedTuple):
    """Whether connections were added, and whether some were removed."""

    added: bool
    removed: bool


class Ports(NamedTuple):
    """Ports `first` to `last` of some protocols."""

    protocols: frozenset[str]
    first: int
    last: int

    def holds(self, question: Question) -> bool:
        """Whether the port that is asked for is one of these."""
        return question.protocol in self.protocols and self.first <= question.port <= self.last


Connections = Mapping[str, Mapping[str, Sequence[Ports]]]
"""By source, then destination, as it names them: pods, or ranges of addresses."""


class NetworkConfigAnalyzer:
    """The analyzer, kept running for many cases. A context manager; not for two threads at once."""

    name = "network-config-analyzer"

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="servicegraph-nca-")
        server = Path(__file__).with_name("nca_server.py")
        self._process = subprocess.Popen(
            [nca_python(), "-P", server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._folder.name,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def allowed(self, case: Case, questions: Sequence[Question], as_written: bool = False) -> list[bool]:
        """Its answer to each question; `as_written` without going round what it misreads. Raises RuntimeError."""
        connections = self._connections(case if as_written else _readable(case))
        names = {end: _names(end, connections) for end in case.ends}

        @cache
        def between(source: str, destination: str) -> list[Ports]:
            named = product(names[source], names[destination])
            return [ports for one, other in named for ports in connections.get(one, {}).get(other, ())]

        return [any(ports.holds(q) for ports in between(q.source, q.destination)) for q in questions]

    def changed(self, old: Case, new: Case) -> Changed:
        """What the new policies do to the connections that the old ones allow. Raises RuntimeError."""
        self._write("old", _readable(old))
        self._write("new", _readable(new))
        sides = ("-r", "new", "--base_resource_list", "old")
        differs, found = self._run("--semantic_diff", *sides, "-o", "txt_no_fw_rules")
        changed = Changed("Added connections" in found, "Removed connections" in found)
        # Only --equiv looks at pods and themselves too.
        if any(changed) != differs or differs > self._run("--equiv", *sides)[0]:
            raise RuntimeError(f"network-config-analyzer contradicts itself: {changed}, {differs}\n{found}")
        return changed

    def _connections(self, case: Case) -> Connections:
        self._write("cluster", case)
        return _read(self._run("--connectivity", "-r", "cluster", "-o", "txt_no_fw_rules")[1])

    def _write(self, name: str, case: Case) -> None:
        folder = Path(self._folder.name, name)
        folder.mkdir(exist_ok=True)
        (folder / "all.yaml").write_text(yaml.dump_all(_manifests(case), Dumper=yaml.CSafeDumper))

    def _run(self, *arguments: str) -> tuple[bool, str]:
        """Whether the answer is that things differ, and the text of it."""
        assert self._process.stdin and self._process.stdout
        found = Path(self._folder.name, "found.txt")
        found.unlink(missing_ok=True)
        command = [*arguments, "-f", found.name, "--output_endpoints", "pods", "--print_ipv6"]
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"code": "it ended", "said": ""}')
        if answer["code"] not in (SAME, DIFFERENT):
            raise RuntimeError(f"network-config-analyzer failed ({answer['code']}):\n{answer['said']}")
        return answer["code"] == DIFFERENT, found.read_text() if found.exists() else ""


def _readable(case: Case) -> Case:
    """The same in a form that it reads as it is meant (differences.yaml: nca-*)."""
    case = replace(case, policies=tuple(map(explicit, case.policies)))

    def values(key: str) -> list[str]:
        return sorted({pod.labels[key] for pod in case.pods if key in pod.labels} | {"nobody-has-it"})

    def without_existence(expression: dict[str, Any]) -> dict[str, Any]:
        operator = {"Exists": "In", "DoesNotExist": "NotIn"}.get(expression["operator"])
        return {**expression, "operator": operator, "values": values(expression["key"])} if operator else expression

    def selector(said: LabelSelector, across: bool) -> LabelSelector:
        if across and "matchExpressions" in said:
            said = {**said, "matchExpressions": [without_existence(e) for e in said["matchExpressions"]]}
        return with_values(said, _value)

    return rewritten(case, lambda labels: {key: _value(said) for key, said in labels.items()}, selector)


def _value(said: str) -> str:
    return f"value-{said}" if said.isdigit() else said or "empty-value"


def _manifests(case: Case) -> list[Mapping[str, Any]]:
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": case.namespace_labels(name)}}
        for name in case.namespaces
    ]
    return [*namespaces, *map(_pod, case.pods), *case.policies]


def _pod(pod: Pod) -> Mapping[str, Any]:
    ports = [{"name": p.name, "protocol": p.protocol, "containerPort": p.number} for p in pod.named_ports]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {"containers": [{"name": "main", "image": "none", "ports": ports}]},
    }


def _read(text: str) -> Connections:
    found: dict[str, dict[str, list[Ports]]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        matched = _LINE.fullmatch(line)
        if not matched:
            raise RuntimeError(f"cannot read this line of network-config-analyzer: {line!r}")
        source, destination, connections = matched.groups()
        found.setdefault(source, {}).setdefault(destination, []).extend(_ports(connections))
    return found


def _ports(text: str) -> list[Ports]:
    if text == _EVERYTHING:
        return [Ports(frozenset(("TCP", "UDP", "SCTP")), 1, 65535)]
    matched = _CONNECTIONS.fullmatch(text)
    if not matched:
        raise RuntimeError(f"cannot read these connections of network-config-analyzer: {text!r}")
    protocols = frozenset(matched[1].replace(" ", "").split(","))
    ranges = (part.partition("-") for part in (matched[2] or "1-65535").split(","))
    return [Ports(protocols, int(first), int(last or first)) for first, _, last in ranges]


def _names(end: str, connections: Connections) -> list[str]:
    """What it calls an end: a pod as we do, an address by every range it wrote that holds it."""
    if "/" in end:
        return [end]
    named = set(connections) | {name for to in connections.values() for name in to}
    return [name for name in named if "/" not in name and _holds(name, end)]


def _holds(name: str, ip: str) -> bool:
    first, _, last = name.partition("-")
    low, high, address = ip_address(first), ip_address(last or first), ip_address(ip)
    return low.version == address.version and int(low) <= int(address) <= int(high)
