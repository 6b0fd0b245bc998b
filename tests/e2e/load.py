"""Calls at a steady rate, and what came of them."""

import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from tests.integration.kube import Kube
from tests.waiting import SECONDS, eventually

RATE = 20
"""Calls a second to each target."""

_FOLLOW_SECONDS = 0.3


class Failure(msgspec.Struct, frozen=True):
    """A call that was not answered."""

    at: datetime
    outcome: str


class Summary(msgspec.Struct, frozen=True):
    """The calls to one target. `slow` took longer than a second; the times are those at which calls began."""

    target: str
    calls: int
    answered: int
    failed: int
    slow: int
    slowest_ms: int
    outcomes: dict[str, int]
    first_answer: datetime | None
    last_answer: datetime | None
    first_failures: tuple[Failure, ...]


_summaries = msgspec.json.Decoder(list[Summary]).decode


class Load:
    """Calls from a pod that is there all the while, from `began` until `stop`."""

    def __init__(self, namespace: str, pod: str, targets: Iterable[str], rate: int = RATE, timeout: str = "5s") -> None:
        command = ["kubectl", "exec", "--stdin", "--namespace", namespace, pod, "--", "workload", "load", "--stdin"]
        command += ["--for=1h", f"--rate={rate}", f"--timeout={timeout}", *targets]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def began(self) -> None:
        """Wait until it calls: to start a program in a pod takes a while."""
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        assert said == b"calling\n", said.decode()

    def stop(self) -> list[Summary]:
        """End it, wait for the calls that are under way, and say what came of all."""
        printed, said = self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == 0, said.decode()
        return _summaries(printed)

    def abandon(self) -> None:
        """End it, whatever came of it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def loads(*running: Load) -> Iterator[None]:
    """Loads that have begun, and that end with the block, however it ends."""
    try:
        for load in running:
            load.began()
        yield
    finally:
        for load in running:
            load.abandon()


def go_on(seconds: float) -> None:
    """Let loads run for a while: how long is part of what is measured."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > until, poll=0.1)


class Followed:
    """Pods that do nothing but call, from their first moment to their last: what their containers print in the end.

    `containers` are those that run `workload load`, of pods with any of the labels; found as they start.
    """

    def __init__(self, kube: Kube, namespace: str, apps: Iterable[str], containers: tuple[str, ...]) -> None:
        self._kube = kube
        self._namespace = namespace
        self._apps = frozenset(apps)
        self._containers = containers
        self._logs: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, list[Summary]]:
        """What was printed, by container; to be called when the pods are gone or going."""
        self._stopped.set()
        self._thread.join()
        found: dict[str, list[Summary]] = {container: [] for container in self._containers}
        for (_, container), process in self._logs.items():
            printed, said = process.communicate(timeout=SECONDS)
            assert printed.strip(), f"{container} printed nothing: {said.decode()}"
            found[container] += _summaries(printed)
        return found

    def abandon(self) -> None:
        """End it, whatever came of it."""
        self._stopped.set()
        self._thread.join()
        for process in self._logs.values():
            process.kill()
            process.communicate()

    def _run(self) -> None:
        while not self._stopped.wait(_FOLLOW_SECONDS):
            for pod in self._kube.list("Pod", self._namespace):
                if pod["metadata"]["labels"].get("app") in self._apps:
                    for status in pod["status"].get("containerStatuses", ()):
                        if status["name"] in self._containers and "running" in status["state"]:
                            self._follow(pod["metadata"]["name"], status["name"])

    def _follow(self, pod: str, container: str) -> None:
        if (pod, container) not in self._logs:
            command = ["kubectl", "logs", "--follow", "--namespace", self._namespace, pod, "--container", container]
            self._logs[pod, container] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
