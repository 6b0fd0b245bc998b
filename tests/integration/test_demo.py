"""The demo as users run it: what it tells is what happened, and it leaves nothing behind."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from tests.waiting import PATIENCE, eventually
from tools.cache import cache_root
from tools.cluster import Cluster, running
from tools.cluster.build import ensure_built
from tools.cluster.toolchain import find_kubectl

CHECKOUT = Path(__file__).parents[2]
MARK = "SERVICEGRAPH_DEMO_TEST"
POLICY = re.compile(
    r"^  ([+~=-]) (sg-\S+) +(new|changed|unchanged|gone)(?: after [\d.]+ m?s|, resourceVersion still \d+)$"
)


class Demo:
    """One run, with a cache folder of its own that shares the programs, and a mark that all its processes inherit."""

    def __init__(self, folder: Path) -> None:
        ensure_built()
        find_kubectl()
        self.cache = folder / "cache"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        (self.cache / "cluster").mkdir(parents=True)
        for built in (cache_root() / "cluster").glob("*/bin"):
            (self.cache / "cluster" / built.parent.name).symlink_to(built.parent)
        if (cache_root() / "pypi").exists():
            (self.cache / "pypi").symlink_to(cache_root() / "pypi")
        self._mark = uuid.uuid4().hex
        self.environment = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "DEMO")} | {
            MARK: self._mark,
            "SERVICEGRAPH_CACHE": str(self.cache),
            "TMPDIR": str(self.temporary),
            "DEMO_PACE": "0",
        }

    def start(self, stdin: int, stdout: int, stderr: int, *, terminal: bool = False) -> "subprocess.Popen[str]":
        """Start it; `terminal` makes its standard input the terminal that Ctrl-C is typed at."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools.demo"],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=terminal,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if terminal else None,
        )

    def tell(self) -> str:
        """Run it without a terminal; all it says."""
        with self.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        return said

    def processes(self) -> list[psutil.Process]:
        """What runs on account of the demo."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark
        except psutil.Error:
            return False

    def leftovers(self) -> list[str]:
        """Processes, state folders and temporary files."""
        folders = [*(self.cache / "cluster" / "run").glob("cluster-*"), *self.temporary.iterdir()]
        return [str(process) for process in self.processes()] + [str(folder) for folder in folders]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    one = Demo(tmp_path)
    yield one
    eventually(lambda: not one.leftovers(), "the end of all that the demo started")


def chapters(said: str) -> dict[str, str]:
    """The text of each chapter by its title."""
    _, *parts = re.split(r"^\d+\. (.+?) ─+$", said, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def policies(chapter: str) -> dict[str, str]:
    """What became of each policy, by service; the successor of the renamed service is `search 2`."""
    found: dict[str, str] = {}
    for line in chapter.splitlines():
        if match := POLICY.match(line):
            service = match[2].split("-")[1]
            found[service if service not in found else f"{service} 2"] = match[3]
    return found


def test_the_story_without_a_terminal(demo: Demo) -> None:
    said = demo.tell()
    story = chapters(said)
    _, host, applied, moved, drained, edited, removed, deleted, summary = story.values()
    assert "│ frontend │ ──▶ │ search │ ──▶ │ database │" in said
    assert "system:serviceaccount:servicegraph-system:servicegraph-operator" in host
    assert "but not patch services, watch pods or get secrets" in " ".join(host.split())
    assert "error" not in applied
    assert policies(applied) == {"database": "new", "frontend": "new", "search": "new"}
    assert re.search(r"shop +True +3 +2 +3 +\d+$", applied, re.MULTILINE)
    assert sorted(policies(moved).values()) == ["changed", "changed", "changed", "new"]
    assert "+ from  app.kubernetes.io/name=product-search    5432/TCP" in moved
    assert sorted(policies(drained).values()) == ["changed", "changed", "gone", "unchanged"]
    assert "- to    app.kubernetes.io/name=search            8080/TCP" in drained
    assert re.search(r"by shop-team\n.*\n +\+ from +anyone +every port\n", edited)
    assert re.search(r"by servicegraph-operator\n +- from +anyone +every port\n", edited)
    assert policies(edited) == {"frontend": "unchanged", "search": "unchanged"}
    assert policies(removed) == {"database": "changed", "frontend": "unchanged", "search": "changed"}
    assert "- to    k8s-app=kube-dns in kube-system          53/TCP 53/UDP" in removed
    assert policies(deleted) == {"database": "gone", "frontend": "gone", "search": "gone"}
    assert len(re.findall(r"written  \d left alone", summary)) == 6
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("moment", ["servicegraph render", "+ sg-database"])
def test_ctrl_c_leaves_nothing_behind(demo: Demo, moment: str) -> None:
    with demo.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert any(moment in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert complaint.strip() == "Interrupted; nothing was left behind."
    eventually(lambda: not demo.leftovers(), "nothing of it is left")


def test_interactive_leaves_a_cluster_with_an_operator_until_it_is_taken_down(demo: Demo) -> None:
    demo.environment["DEMO"] = "interactive"
    said = demo.tell()
    named = re.search(r"export KUBECONFIG=(\S+)", said)
    assert named
    kubectl = [str(find_kubectl()), "--kubeconfig", named[1]]
    subprocess.run([*kubectl, "wait", "--for=condition=Ready", "-n", "shop", "servicegraph/shop"], check=True)
    found = subprocess.run([*kubectl, "get", "netpol", "-n", "shop", "-o", "name"], capture_output=True, check=True)
    assert len(found.stdout.splitlines()) == 3
    command = next(line for line in said.splitlines() if "tools.cluster down" in line)
    down = [sys.executable, *command.split()[1:]]
    subprocess.run(down, cwd=CHECKOUT, env=demo.environment, check=True)


def test_when_the_operator_dies_its_log_is_shown_in_ascii_where_there_is_no_more(demo: Demo) -> None:
    demo.environment["PYTHONIOENCODING"] = "ascii"
    with demo.start(subprocess.DEVNULL, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        told = ""
        for line in process.stdout:
            told += line
            if "+ sg-search" in line:
                break
        operators = [one for one in demo.processes() if "servicegraph.cli.main" in one.cmdline()]
        assert len(operators) == 1
        operators[0].kill()
        _, complaint = process.communicate(timeout=PATIENCE)
    assert "anywhere --> | frontend | --> | search | --> | database |" in told
    assert process.returncode == 1
    assert "error: The operator ended (exit status -9)." in complaint
    assert "create policy shop/sg-search-" in complaint
    assert "Traceback" not in complaint


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    with running() as one:
        service = yaml.safe_load((CHECKOUT / "tools" / "demo" / "kube-dns.yaml").read_text())
        assert one.request("POST", "/api/v1/namespaces/kube-system/services", service)[0] == 201
        yield one


def in_terminal(demo: Demo, *answers: tuple[str, str]) -> tuple[int, str]:
    """Run it in a terminal, typing each answer when its question has been seen: the exit status and all it says."""
    ours, theirs = pty.openpty()
    said, left = "", list(answers)
    with demo.start(theirs, theirs, theirs, terminal=True) as process:
        os.close(theirs)
        while True:
            ready, _, _ = select.select([ours], [], [], 120)
            assert ready, said
            try:
                said += os.read(ours, 65536).decode(errors="replace")
            except OSError:
                break
            if left and left[0][0] in said:
                os.write(ours, left.pop(0)[1].encode())
    os.close(ours)
    assert not left, said
    return process.returncode, said


CTRL_C = "\x03"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/servicegraphs.servicegraph.dev"


def namespaces(cluster: Cluster) -> set[str]:
    return {one["metadata"]["name"] for one in cluster.request("GET", "/api/v1/namespaces")[1]["items"]}


def test_in_the_users_cluster_it_is_a_guest_in_a_namespace_of_its_own(demo: Demo, own: Cluster) -> None:
    demo.environment["KUBECONFIG"] = str(own.kubeconfig)
    before = namespaces(own)
    status, said = in_terminal(demo, ("Use this cluster?", "y\n"), ("Install it?", "r\n"))
    assert status == 0, said
    assert own.server in said
    assert re.search(r"system:serviceaccount:servicegraph-demo-\w+:servicegraph-operator", said)
    assert "k8s-app=kube-dns in kube-system" in said
    assert "No policy is left" in said
    assert namespaces(own) == before
    assert own.request("GET", CRD)[0] == 404


def test_ctrl_c_in_the_users_cluster_leaves_what_was_to_be_kept_and_no_more(demo: Demo, own: Cluster) -> None:
    demo.environment["KUBECONFIG"] = str(own.kubeconfig)
    before = namespaces(own)
    answers = ("Use this cluster?", "y\n"), ("Install it?", "k\n"), ("+ sg-database", CTRL_C)
    status, said = in_terminal(demo, *answers)
    assert status == 130, said
    assert namespaces(own) == before
    assert own.request("GET", CRD)[0] == 200


def test_without_consent_the_users_cluster_is_left_alone(demo: Demo, own: Cluster) -> None:
    demo.environment["KUBECONFIG"] = str(own.kubeconfig)
    assert own.audit_log
    before = own.audit_log.stat().st_size
    status, said = in_terminal(demo, ("Use this cluster?", "n\n"), ("starting the control plane", CTRL_C))
    assert status == 130, said
    assert "servicegraph" not in own.audit_log.read_text()[before:]
