"""`servicegraph learn` on flows that Hubble really wrote, of an application that nothing isolates."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicegraph.cli.main import main
from tests.e2e.applications import Application, applications
from tests.e2e.ends import Ends
from tests.e2e.matrix import Tally
from tests.integration.kube import Kube, Object
from tests.waiting import PATIENCE, eventually

EXPORT = "/var/run/cilium/hubble/events*.log"
CALLS = {("frontend", "search", 8080), ("search", "database", 5432)}
"""What the workloads of the shop call, by ports of the pods."""

pytestmark = pytest.mark.hubble
_POLL = 2.0


@pytest.fixture(scope="module")
def shop(kube: Kube, surroundings: Ends, tally: Tally) -> Iterator[Application]:
    with applications(kube, ["shop"], surroundings, tally) as found:
        found["shop"].calls_go_on()
        yield found["shop"]


class Flows:
    """What the agents have exported of a namespace, beside the manifests of what runs there."""

    def __init__(self, kube: Kube, application: Application, folder: Path) -> None:
        self._kube = kube
        self._namespace = application.namespace
        self._file = folder / "flows.json"
        self._manifests = folder / "app.yaml"
        self._manifests.write_text(yaml.safe_dump_all(application.manifests))
        self._graph = folder / "graph.yaml"

    def learnt(self, capture: Any, graphs: list[Object]) -> Any:
        """What `learn` says now of these graphs."""
        self._file.write_bytes(b"".join(map(self._exported, self._agents())))
        self._graph.write_text(yaml.safe_dump_all(graphs))
        capture.readouterr()
        code = main(["learn", str(self._file), str(self._manifests), str(self._graph), "-o", "json"])
        printed, said = capture.readouterr()
        assert code in (0, 1), said.decode()
        return json.loads(printed)

    def _agents(self) -> list[str]:
        pods = self._kube.list("Pod", "kube-system")
        return [p["metadata"]["name"] for p in pods if p["metadata"].get("labels", {}).get("k8s-app") == "cilium"]

    def _exported(self, agent: str) -> bytes:
        search = f"grep -h -F {self._namespace} {EXPORT} || true"
        command = ["kubectl", "exec", "-n", "kube-system", agent, "-c", "cilium-agent", "--", "sh", "-c", search]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture
def flows(kube: Kube, shop: Application, tmp_path: Path) -> Flows:
    return Flows(kube, shop, tmp_path)


def test_without_a_graph_it_finds_exactly_the_calls(shop: Application, flows: Flows, capsysbinary: Any) -> None:
    wanted = {"frontend": ["search"], "search": ["database"]}

    def written() -> dict[str, list[str]]:
        (draft,) = flows.learnt(capsysbinary, [])["summary"]["additions"] or [{"graph": {"spec": {"services": []}}}]
        services = draft["graph"]["spec"]["services"]
        return {s["name"]: [call["service"] for call in s["calls"]] for s in services if "calls" in s}

    eventually(lambda: written() == wanted, "the flows of every call are exported", poll=_POLL)


def test_the_graph_of_the_example_declares_all_that_is_seen(shop: Application, flows: Flows, capsysbinary: Any) -> None:
    def is_complete() -> bool:
        found = flows.learnt(capsysbinary, shop.graphs)
        assert found["items"] == []
        return not found["summary"]["unseen"]

    eventually(is_complete, "every declared call is seen", poll=_POLL)


@pytest.mark.parametrize("call", sorted(CALLS), ids=lambda call: f"{call[0]}-{call[1]}")
def test_with_a_call_less_it_names_the_flows_that_would_be_stopped(
    shop: Application, flows: Flows, capsysbinary: Any, call: tuple[str, str, int]
) -> None:
    caller, callee, port = call
    graphs = shop.graphs
    for service in graphs[0]["spec"]["services"]:
        service["calls"] = [
            entry for entry in service.get("calls", []) if (service["name"], entry["service"]) != call[:2]
        ]
    stopped = [(f"{shop.namespace}/{caller}", f"{shop.namespace}/{callee}", port)]

    def named() -> list[tuple[str, str, int]]:
        items = flows.learnt(capsysbinary, graphs)["items"]
        return [
            (i["source"], i["destination"], i["port"]) for i in items if i["finding"] == "stopped" and i["port"] != 53
        ]

    eventually(lambda: named() == stopped, f"{caller} calling {callee} would be stopped", poll=_POLL)
