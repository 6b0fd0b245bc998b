"""Files as they come: what cannot be read is refused with its place, what merely looks odd is read."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.unit.bad_input.command import run
from tests.unit.bad_input.test_resources import HEADER

GRAPH = HEADER + "  services:\n    - name: a\n"
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: a}]}
"""
GOOD = f"{GRAPH}---\n{WORKLOAD}"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: a}\nspec: {ports: [{port: 80}]}\n"
PROFILE = "apiVersion: servicegraph.dev/v1alpha1\nkind: ClusterProfile\n"
FOREIGN = "apiVersion: x.io/v1\nkind: Foo\nspec: !Ref [*a, {b: 1, b: 2}]\n---\nkind: 7\n---\n- a\n"
LABELS_TWICE = GOOD.replace("{app: a}", "&labels {app: a}", 1).replace("{app: a}}\n    spec", "*labels }\n    spec")
JSON = """\
{"apiVersion": "servicegraph.dev/v1alpha1", "kind": "ServiceGraph",
 "metadata": {"name": "g", "namespace": "a"}, "spec": {"services": [{"name": "a"}]}}
"""
BOMB = "\n".join(["x0: &x0 [a, a]"] + [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 12)])


@dataclass(frozen=True)
class Case:
    """Files, and what must be said: one pattern for each line. With `code` 2 nothing may be printed."""

    name: str
    files: dict[str, bytes | str]
    said: list[str] = field(default_factory=list)
    code: int = 2
    arguments: tuple[str, ...] = (".",)


REFUSED = [
    Case("nothing at all", {}, [r"\.: error: no ServiceGraph found: .*servicegraph.dev/v1alpha1 ServiceGraph"]),
    Case("an empty file", {"x.yaml": ""}, [r"\.: error: no ServiceGraph found"]),
    Case("only comments", {"x.yaml": "# nothing\n---\n---\n# here\n"}, [r"\.: error: no ServiceGraph found"]),
    Case("a path that is not there", {}, [r"nowhere\.yaml: error: there is no such file"], arguments=("nowhere.yaml",)),
    Case("a tab", {"x.yaml": GRAPH + "\t  calls: []\n"}, [r"x\.yaml:7:1: error: .*a tab cannot indent, use spaces"]),
    Case("broken YAML", {"x.yaml": GRAPH + "  }\n"}, [r"x\.yaml:7:3: error: not valid YAML: .*check the indentation"]),
    Case("broken JSON", {"x.json": '{"kind": \n "a",, }'}, [r"x\.json:2:6: error: not valid YAML"]),
    Case(
        "broken YAML of another kind",
        {"x.yaml": GRAPH, "y.yaml": "kind: ConfigMap\ndata: {a\n"},
        [r"y\.yaml:3:1: error: not valid YAML"],
    ),
    Case("a template", {"x.yaml": "{{ if .Values.on }}\n" + GRAPH}, [r"x\.yaml:2:1: error: .*helm template"]),
    Case("a binary file", {"x.yaml": b"\x7fELF\x02\n\0\0"}, [r"x\.yaml:2: error: this is a binary file, not YAML"]),
    Case("Latin-1", {"x.yaml": "# caf\xe9\n".encode("latin-1")}, [r"x\.yaml:1: error: this is not UTF-8 text"]),
    Case("a control character", {"x.yaml": GRAPH + "# \a\n"}, [r"x\.yaml:7:3: error: the control character 0x0007"]),
    Case("a YAML bomb", {"x.yaml": GRAPH + BOMB}, [r"x\.yaml:\d+:\d+: error: aliases make this file mean more than"]),
    Case("a bomb in JSON's clothes", {"x.json": "[" * 100_000}, [r"x\.json:1:201: error: .*nested too deep"]),
    Case("a deep bomb", {"x.yaml": "a: " + "[" * 100_000}, [r"x\.yaml:1:\d+: error: .*nested too deep"]),
    Case(
        "a Python tag",
        {"x.yaml": GRAPH + "      mode: !!python/name:os.system x\n"},
        [r"x\.yaml:7:13: .*is not allowed"],
    ),
    Case("an alias to nothing", {"x.yaml": GRAPH + "      mode: *m\n"}, [r"x\.yaml:7:13: error: the alias \*m is not"]),
    Case("a key twice", {"x.yaml": GRAPH + "      name: b\n"}, [r"x\.yaml:7:7: error: 'name' stands twice .* line 6"]),
    Case(
        "a key twice in JSON",
        {"x.json": '{"apiVersion": "servicegraph.dev/v1alpha1",\n "kind": "ServiceGraph",\n "kind": "ServiceGraph"}'},
        [r"x\.json:3:2: error: 'kind' stands twice in one mapping, first on line 2"],
    ),
    Case(
        "an older version of ours",
        {"x.yaml": GRAPH.replace("v1alpha1", "v1alpha0")},
        [r"x\.yaml:1:1: error: servicegraph.dev/v1alpha0 is not .*: write apiVersion: servicegraph.dev/v1alpha1"],
    ),
    Case("no version", {"x.yaml": GRAPH.partition("\n")[2]}, [r"x\.yaml:1:1: error: the apiVersion is missing"]),
    Case(
        "a kind of ours that is none",
        {"x.yaml": GRAPH.replace("kind: ServiceGraph", "kind: ServiceGraf")},
        [r"x\.yaml:2:1: error: servicegraph.dev/v1alpha1 has no kind ServiceGraf"],
    ),
    Case(
        "a Service with a port of text",
        {"x.yaml": GRAPH + "---\n" + SERVICE.replace("80", "eighty")},
        [r"x\.yaml:11:17: error: Service a: \.spec\.ports\[0\]\.port: expected an integer, got a string"],
    ),
    Case(
        "a label that YAML reads as a boolean",
        {"x.yaml": GOOD.replace("{app: a}", "{app: yes}", 1)},
        [r"x\.yaml:12:14: error: Deployment a: .*expected a string, got true or false: put it in quotes"],
    ),
    Case(
        "a Service without a name",
        {"x.yaml": GRAPH + "---\n" + SERVICE.replace("name: a, ", "")},
        [r"x\.yaml:8:1: error: Service: it has no \.metadata\.name"],
    ),
    Case(
        "a Service twice",
        {"x.yaml": GRAPH, "y.yaml": SERVICE + "---\n" + SERVICE.replace("80", "81")},
        [r"y\.yaml:6:1: error: Service a/a stands here and differently in y\.yaml:1: keep one of them"],
    ),
    Case(
        "a graph twice",
        {"x.yaml": GRAPH, "y.yaml": GRAPH + "    - name: b\n"},
        [r"y\.yaml:1:1: error: the ServiceGraph a/g stands here and differently in x\.yaml:1: keep one of them"],
    ),
    Case(
        "a graph without a name",
        {"x.yaml": GRAPH.replace("name: g, ", "")},
        [r"x\.yaml:3:1: error: the graph has no name"],
    ),
    Case(
        "a graph without a spec",
        {"x.yaml": "\n".join(HEADER.splitlines()[:3])},
        [r"x\.yaml:1:1: error: the graph has no spec"],
    ),
    Case(
        "a profile that is not there",
        {"x.yaml": GRAPH},
        [r"p: error: there is no such file"],
        arguments=(".", "--profile", "p"),
    ),
    Case(
        "a profile with a misspelled field",
        {"x.yaml": GRAPH, "p": PROFILE + "range: {}\n"},
        [r"p:3:1: error: unknown field 'range': did you mean 'ranges'\?"],
        arguments=(".", "--profile", "p"),
    ),
    Case(
        "a profile with a bad range, and a bad graph: both are told",
        {
            "x.yaml": GRAPH + "      x: y\n",
            "p": PROFILE + "ranges:\n  pods: [10.0.0.1/8]\n",
        },
        [r"x\.yaml:7:7: error: unknown field 'x'", r"p:4:3: error: .*write 10\.0\.0\.0/8"],
        arguments=(".", "--profile", "p"),
    ),
    Case(
        "a graph for a profile",
        {"x.yaml": GRAPH},
        [r"x\.yaml:2:1: error: .*ClusterProfile"],
        arguments=(".", "--profile", "x.yaml"),
    ),
]

READ = [
    Case("JSON", {"x.json": JSON, "y.yaml": WORKLOAD}),
    Case("Windows line ends", {"x.yaml": GOOD.replace("\n", "\r\n")}),
    Case("a byte order mark", {"x.yaml": b"\xef\xbb\xbf" + GOOD.encode()}),
    Case("UTF-16, as PowerShell writes it", {"x.yaml": GOOD.encode("utf-16")}),
    Case(
        "a List",
        {
            "x.yaml": "apiVersion: v1\nkind: List\nitems:\n"
            + "".join("- " + document.strip().replace("\n", "\n  ") + "\n" for document in GOOD.split("---\n"))
        },
    ),
    Case("anchors and aliases", {"x.yaml": LABELS_TWICE}),
    Case("empty documents between", {"x.yaml": "---\n# Source: chart\n---\nnull\n---\n" + GOOD + "---\n"}),
    Case("kinds of others", {"x.yaml": f"{GOOD}---\n{FOREIGN}"}),
    Case(
        "a Service of others",
        {"x.yaml": GOOD + "---\n" + SERVICE.replace("v1", "serving.knative.dev/v1").replace("80", "x")},
    ),
    Case("a ServiceGraph of others", {"x.yaml": GOOD, "y.yaml": "apiVersion: graphs.io/v1\nkind: ServiceGraph\n"}),
    Case("the same twice", {"x.yaml": GOOD, "y.yaml": GOOD}),
    Case(
        "100,000 lines",
        {"x.yaml": GOOD + "---\nkind: ConfigMap\ndata:\n" + "".join(f"  k{i}: v\n" for i in range(100_000))},
    ),
    Case(
        "hidden and other files", {"x.yaml": GOOD, ".y.yaml": "}", ".git/z.yaml": "}", "z.txt": "}", "README": b"\xff"}
    ),
]


def write(case: Case) -> None:
    for name, content in case.files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused(case: Case, capsysbinary: Any, in_folder: Path) -> None:
    write(case)
    ran = run(capsysbinary, *case.arguments)
    assert (ran.code, ran.printed) == (2, "")
    said = ran.said.splitlines()
    assert len(said) == len(case.said), ran.said
    for line, pattern in zip(said, case.said, strict=True):
        assert re.match(pattern, line), line
        assert line.endswith(" [Invalid]")


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_read(case: Case, capsysbinary: Any, in_folder: Path) -> None:
    write(case)
    ran = run(capsysbinary, *case.arguments)
    assert (ran.code, ran.said) == (0, "")
    assert "name: rendered-sg-a-" in ran.printed
    assert "app: a\n" in ran.printed


@pytest.mark.parametrize("name", ["a binary file", "a deep bomb", "a YAML bomb", "nothing at all", "a graph twice"])
def test_refused_in_a_process_of_its_own(name: str, in_folder: Path) -> None:
    case = next(case for case in REFUSED if case.name == name)
    write(case)
    command = [sys.executable, "-m", "servicegraph.cli.main", "render", *case.arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(case.said[0], done.stderr)
    assert "Traceback" not in done.stderr


def test_many_errors_do_not_flood_the_terminal(capsysbinary: Any, in_folder: Path) -> None:
    for number in range(150):
        Path(f"{number}.yaml").write_text("}")
    said = run(capsysbinary, ".").said.splitlines()
    assert len(said) == 101
    assert said[-1] == "... and 50 more"


def test_a_file_that_may_not_be_read(capsysbinary: Any, in_folder: Path) -> None:
    Path("x.yaml").symlink_to("x.yaml")
    assert re.match(r"x\.yaml: error: it cannot be read: ", run(capsysbinary, "x.yaml").said)


def test_two_halves_of_a_pipe(in_folder: Path) -> None:
    """As `kustomize build | servicegraph render -`, and as `servicegraph render | head` that reads no further."""
    command = [sys.executable, "-m", "servicegraph.cli.main", "render", "-"]
    done = subprocess.run(command, input=GOOD, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    reading, writing = os.pipe()
    os.close(reading)
    broken = subprocess.run(command, input=GOOD.encode(), stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (broken.returncode, broken.stderr) == (141, b"")
