"""The applications of examples/, moved to namespaces of the test's own."""

import json
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import yaml

from tests.contract import ROOT
from tests.e2e.discover import discover, given_name, serving
from tests.e2e.ends import Ends
from tests.e2e.flows import Allowed
from tests.e2e.matrix import Matrix, Tally
from tests.e2e.pods import IMAGE, pod_spec
from tests.integration.kube import Kube, Object
from tests.integration.look import settled
from tests.waiting import PATIENCE, SECONDS, eventually

_POLL = 0.5
_PODS_OF = {"Deployment": "replicas", "StatefulSet": "replicas"}


class Application:
    """One folder of examples/. The roles are the names that its workloads answer with."""

    def __init__(self, kube: Kube, name: str, surroundings: Ends, tally: Tally) -> None:
        self._kube = kube
        self._surroundings = surroundings
        self._tally = tally
        folder = ROOT / "examples" / name
        written = [d for file in ("app.yaml", "servicegraph.yaml") for d in _documents((folder / file).read_text())]
        token = secrets.token_hex(3)
        self.name = name
        named = [d["metadata"]["name"] for d in _of(written, "Namespace")]
        self.namespaces = {namespace: f"e2e-{token}-{namespace}" for namespace in named}
        moved = [_moved(document, self.namespaces) for document in written]
        self._graphs = _of(moved, "ServiceGraph")
        self._app = [d for d in moved if d["kind"] != "ServiceGraph"]

    @property
    def namespace(self) -> str:
        """Where most of it runs."""
        return self.namespaces[self.name]

    @property
    def manifests(self) -> list[Object]:
        """All of it but the graphs."""
        return self._app

    @property
    def graphs(self) -> list[Object]:
        """Its graphs, whether they are applied or not."""
        return deepcopy(self._graphs)

    @property
    def workloads(self) -> list[Object]:
        """What runs for ever."""
        return [d for d in self._app if d["kind"] in _PODS_OF]

    def start(self) -> None:
        """Create all of it but the graphs, and a pod that stays for each CronJob and for nobody in particular."""
        self._kube.apply(*self._app)
        for job in _of(self._app, "CronJob"):
            template = job["spec"]["jobTemplate"]["spec"]["template"]
            self._stand_in(job["metadata"]["name"], template["metadata"]["labels"])
        self._stand_in("nobody", {"run": "nobody"})

    def started(self) -> None:
        """Wait until every pod is Ready."""
        count = sum(d["spec"].get("replicas", 1) for d in self.workloads) + len(_of(self._app, "CronJob")) + 1

        def pods() -> int:
            return sum(serving(pod) for name in self.namespaces.values() for pod in self._kube.list("Pod", name))

        eventually(lambda: pods() == count, f"{count} pods of {self.name} are Ready", PATIENCE, _POLL)

    def apply_graphs(self) -> None:
        """What servicegraph.yaml says, and wait until its policies are written."""
        self._kube.apply(*self._graphs)
        for found in self._graphs:
            key = found["metadata"]["namespace"], found["metadata"]["name"]
            eventually(partial(settled, self._kube, *key), f"graph {'/'.join(key)} is settled", poll=_POLL)

    def stop(self) -> None:
        """Delete its namespaces, and do not wait for them to go."""
        for name in self.namespaces.values():
            self._kube.delete("Namespace", "", name)

    def expect(self, *lines: str) -> None:
        """See that packets pass as these lines say, and no others. `strangers` are all that no graph covers."""
        prefixes = {actual: "" if name == self.name else f"{name}/" for name, actual in self.namespaces.items()}
        ends = discover(self._kube, prefixes, given_name) + self._surroundings
        covered = {
            prefixes[graph["metadata"]["namespace"]] + service["name"]
            for graph in self._graphs
            for service in graph["spec"]["services"]
        }
        groups = {"strangers": ends.roles - covered - {"nobody"}}
        Matrix(ends, Allowed(lines, ends.roles, groups)).settle(self._tally, self._statuses)

    def calls_go_on(self) -> None:
        """See by the logs that every call that the workloads themselves make is answered, as it is made now."""
        eventually(lambda: not any(map(self._unanswered, self.workloads)), f"calls of {self.name}", poll=_POLL)

    def run_job(self, cron_job: str) -> dict[str, str]:
        """Start a CronJob's Job now; what came of its calls, by target."""
        namespace = self.namespace
        _kubectl("create", "job", "now-" + cron_job, f"--from=cronjob/{cron_job}", "-n", namespace)
        _kubectl(
            "wait", "--for=condition=Complete", f"--timeout={SECONDS:.0f}s", f"job/now-{cron_job}", "-n", namespace
        )
        results = json.loads(_kubectl("logs", f"job/now-{cron_job}", "-n", namespace))
        return {result["target"]: result["outcome"] for result in results}

    def _unanswered(self, workload: Object) -> set[str]:
        meta, kind = workload["metadata"], workload["kind"].lower()
        args = workload["spec"]["template"]["spec"]["containers"][0]["args"]
        lines = _kubectl("logs", f"{kind}/{meta['name']}", "-n", meta["namespace"]).splitlines()
        last = {result["target"]: result["outcome"] for result in map(json.loads, lines)}
        calls = {arg.removeprefix("--call=") for arg in args if arg.startswith("--call=")}
        return {target for target in calls if last.get(target) != "answered"}

    def _stand_in(self, name: str, labels: Mapping[str, str]) -> None:
        meta = {"name": name, "namespace": self.namespace, "labels": dict(labels)}
        spec = pod_spec("serve", f"--name={name}", "--tcp=8080")
        self._kube.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    def _statuses(self) -> str:
        found = [self._kube.list("ServiceGraph", namespace) for namespace in self.namespaces.values()]
        return str(yaml.safe_dump_all(graph.get("status") for graphs in found for graph in graphs))


@contextmanager
def applications(
    kube: Kube, names: Iterable[str], surroundings: Ends, tally: Tally
) -> Iterator[dict[str, Application]]:
    """Applications side by side, each Ready, without their graphs."""
    found = {name: Application(kube, name, surroundings, tally) for name in names}
    try:
        for application in found.values():
            application.start()
        for application in found.values():
            application.started()
        yield found
    finally:
        for application in found.values():
            application.stop()


def _moved(document: Object, names: Mapping[str, str]) -> Object:
    """The same object with its own namespace, and those that it speaks of, called otherwise."""
    found: Object = _renamed(deepcopy(document), names)
    if found["kind"] == "Namespace":
        found["metadata"]["name"] = names[found["metadata"]["name"]]
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {k: names.get(v, v) if k == "namespace" else _renamed(v, names) for k, v in value.items()}
        case list():
            return [_renamed(item, names) for item in value]
        case "servicegraph-workload:dev":
            return IMAGE
        case str():
            for name, other in names.items():
                value = value.replace(f".{name}:", f".{other}:")
    return value


def _documents(text: str) -> list[Object]:
    return [document for document in yaml.safe_load_all(text) if document]


def _of(documents: list[Object], kind: str) -> list[Object]:
    return [document for document in documents if document["kind"] == kind]


def _kubectl(*arguments: str) -> str:
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
    return done.stdout
