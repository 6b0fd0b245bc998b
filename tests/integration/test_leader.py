"""Leader election on a real API server: one leads, the fence holds, the next takes over."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from servicegraph.controller.leader import Leadership, LeadershipLostError, NotLeadingError
from servicegraph.controller.lease import Timing
from servicegraph.sources.api import ApiClient, ApiError
from servicegraph.sources.connection import from_kubeconfig
from tests.integration.existing import Target
from tests.integration.fenced_writer import LOST
from tests.waiting import SECONDS, becomes, eventually
from tools.cluster import Cluster
from tools.cluster.faults import Fault
from tools.cluster.proxy import FaultProxy

QUICK = Timing(lease=2.0, renew=1.5, retry=0.2)
PATIENT = Timing(lease=2 * SECONDS, renew=SECONDS, retry=0.2)
NAME = "election"


class Election:
    """Candidates for one Lease, and the ConfigMap of the same name that leaders write to."""

    def __init__(self, cluster: Target, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.lease_path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{NAME}"
        self.map_path = f"/api/v1/namespaces/{namespace}/configmaps/{NAME}"

    @property
    def holder(self) -> str | None:
        status, answer = self.cluster.request("GET", self.lease_path)
        return answer["spec"].get("holderIdentity") if status == 200 else None

    @property
    def renewed_at(self) -> str:
        found: str = self.cluster.request("GET", self.lease_path)[1]["spec"]["renewTime"]
        return found

    def read_map(self) -> dict[str, Any]:
        status, answer = self.cluster.request("GET", self.map_path)
        assert status == 200, answer
        found: dict[str, Any] = answer
        return found

    @asynccontextmanager
    async def candidate(
        self, identity: str, timing: Timing = QUICK, kubeconfig: Path | None = None
    ) -> AsyncIterator[tuple[Leadership, asyncio.Task[None]]]:
        connection = from_kubeconfig(kubeconfig or self.cluster.kubeconfig)
        leadership = Leadership(connection, self.namespace, NAME, timing, identity)
        task = asyncio.create_task(leadership.run())
        try:
            yield leadership, task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, LeadershipLostError):
                await task

    @contextmanager
    def writer(self, identity: str) -> Iterator[subprocess.Popen[str]]:
        module = [sys.executable, "-m", "tests.integration.fenced_writer"]
        arguments = [str(self.cluster.kubeconfig), self.namespace, NAME, identity]
        process = subprocess.Popen([*module, *arguments], stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def election(cluster: Target, namespace: str) -> Election:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert cluster.request("POST", path, {"metadata": {"name": NAME}})[0] == 201
    return Election(cluster, namespace)


def test_one_leads_and_hands_over_at_once_when_it_ends(election: Election) -> None:
    async def scenario() -> None:
        async with election.candidate("first", PATIENT) as (first, task):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            async with election.candidate("second", PATIENT) as (second, _):
                assert election.holder == "first"
                assert not second.leading.is_set()
                task.cancel()
                await asyncio.wait_for(second.leading.wait(), SECONDS)
                assert election.holder == "second"
                assert not first.leading.is_set()
                with pytest.raises(NotLeadingError):
                    first.check(0)

    asyncio.run(scenario())


def test_a_lease_of_the_dead_is_taken_when_it_ran_out_and_not_before(election: Election) -> None:
    with election.writer("first") as dead:
        eventually(lambda: election.read_map().get("data") == {"writer": "first"})
        dead.kill()
        dead.wait()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with election.candidate("second") as (second, _):
            await asyncio.wait_for(second.leading.wait(), SECONDS)
            assert loop.time() - began >= 3.0, "the lease of the dead was good for 3 s"

    asyncio.run(scenario())


def test_nothing_is_sent_without_a_lease(election: Election) -> None:
    async def scenario() -> None:
        connection = from_kubeconfig(election.cluster.kubeconfig)
        async with election.candidate("first", PATIENT) as (first, _):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            idle = Leadership(connection, election.namespace, NAME, PATIENT, "idle")
            async with ApiClient(connection, fence=idle.check) as client:
                with pytest.raises(ApiError, match="holds no lease"):
                    await client.merge(election.map_path, {"data": {"writer": "idle"}})
                assert "data" not in await client.get(election.map_path)
            async with ApiClient(connection, fence=first.check, timeout=10) as client:
                await client.merge(election.map_path, {"data": {"writer": "first"}})
            async with ApiClient(connection, fence=first.check, timeout=PATIENT.lease) as client:
                with pytest.raises(ApiError, match="holds no lease"):
                    await client.merge(election.map_path, {"data": {"writer": "too late"}})
        assert election.read_map()["data"] == {"writer": "first"}

    asyncio.run(scenario())


def test_a_leader_cut_off_stops_before_another_begins(
    control_plane: Cluster, election: Election, tmp_path: Path
) -> None:
    async def scenario(proxy: FaultProxy) -> None:
        kubeconfig = proxy.kubeconfig(control_plane.token, tmp_path / "proxy")
        async with election.candidate("first", kubeconfig=kubeconfig) as (first, lost):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            async with election.candidate("second") as (second, _):
                proxy.blackhole()
                while not second.leading.is_set():
                    with suppress(NotLeadingError):
                        first.check(0)
                        assert not second.leading.is_set(), "two leaders at once"
                    await asyncio.sleep(0.005)
                with pytest.raises(NotLeadingError):
                    first.check(0)
                with pytest.raises(LeadershipLostError, match=r"not renewed"):
                    await asyncio.wait_for(lost, SECONDS)

    with FaultProxy(control_plane) as proxy:
        asyncio.run(scenario(proxy))


def test_a_candidate_outlasts_an_api_server_in_trouble(
    control_plane: Cluster, election: Election, tmp_path: Path
) -> None:
    async def scenario(proxy: FaultProxy) -> None:
        trouble = Fault(path="/leases", status=503, times=3)
        proxy.inject(trouble)
        kubeconfig = proxy.kubeconfig(control_plane.token, tmp_path / "proxy")
        async with election.candidate("first", kubeconfig=kubeconfig) as (first, _):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            assert proxy.hits(trouble) == 3

    with FaultProxy(control_plane) as proxy:
        asyncio.run(scenario(proxy))


def test_nothing_is_written_while_the_lease_is_given_back(
    control_plane: Cluster, election: Election, tmp_path: Path
) -> None:
    async def scenario(proxy: FaultProxy) -> None:
        kubeconfig = proxy.kubeconfig(control_plane.token, tmp_path / "proxy")
        timing = Timing(lease=60.0, renew=40.0, retry=20.0)
        async with election.candidate("first", timing, kubeconfig) as (first, task):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            proxy.inject(Fault(methods=frozenset({"PUT"}), delay=20.0))
            task.cancel()
            await becomes(lambda: not election.holder)
            assert not task.done()
            with pytest.raises(NotLeadingError):
                first.check(0)

    with FaultProxy(control_plane) as proxy:
        asyncio.run(scenario(proxy))


def test_the_lease_is_given_back_though_a_renewal_comes_in_between(
    control_plane: Cluster, election: Election, tmp_path: Path
) -> None:
    async def scenario(proxy: FaultProxy) -> None:
        kubeconfig = proxy.kubeconfig(control_plane.token, tmp_path / "proxy")
        async with election.candidate("first", Timing(lease=60.0, renew=40.0, retry=20.0), kubeconfig) as (first, task):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            conflict = Fault(methods=frozenset({"PUT"}), status=409, times=1)
            proxy.inject(conflict)
            task.cancel()
            await becomes(task.done)
            assert proxy.hits(conflict) == 1
            assert not election.holder

    with FaultProxy(control_plane) as proxy:
        asyncio.run(scenario(proxy))


@pytest.mark.parametrize("how", ["taken", "deleted"])
def test_a_lease_that_is_taken_away_is_lost(election: Election, how: str) -> None:
    async def scenario() -> None:
        async with election.candidate("first", PATIENT) as (first, lost):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            async with ApiClient(from_kubeconfig(election.cluster.kubeconfig)) as client:
                if how == "taken":
                    await client.merge(election.lease_path, {"spec": {"holderIdentity": "somebody"}})
                else:
                    await client.request("DELETE", election.lease_path)
            with pytest.raises(LeadershipLostError, match="somebody" if how == "taken" else "nobody"):
                await asyncio.wait_for(lost, SECONDS)
            with pytest.raises(NotLeadingError):
                first.check(0)
        assert election.holder == ("somebody" if how == "taken" else None)

    asyncio.run(scenario())


def test_an_edit_of_its_own_lease_is_no_loss(election: Election) -> None:
    async def scenario() -> None:
        async with election.candidate("first", PATIENT) as (first, _):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            async with ApiClient(from_kubeconfig(election.cluster.kubeconfig)) as client:
                edited = await client.merge(election.lease_path, {"metadata": {"annotations": {"note": "x"}}})
                await becomes(lambda: election.renewed_at > edited["spec"]["renewTime"])
            first.check(0)

    asyncio.run(scenario())


def test_a_leader_survives_a_restart_of_the_api_server(control_plane: Cluster, election: Election) -> None:
    async def scenario() -> None:
        async with election.candidate("first", Timing(lease=60.0, renew=50.0, retry=0.2)) as (first, task):
            await asyncio.wait_for(first.leading.wait(), SECONDS)
            await asyncio.to_thread(control_plane.restart_apiserver)
            before = control_plane.request("GET", election.lease_path)[1]["spec"]["renewTime"]
            await becomes(
                lambda: (
                    control_plane.request("GET", election.lease_path)[1]["spec"]["renewTime"] > before or task.done()
                )
            )
            first.check(0)

    asyncio.run(scenario())


@pytest.mark.parametrize("attempt", range(3))
def test_a_leader_that_was_stopped_past_its_lease_writes_nothing_more(election: Election, attempt: int) -> None:
    with election.writer("stopped") as process:
        eventually(lambda: election.read_map().get("data") == {"writer": "stopped"})
        os.kill(process.pid, signal.SIGSTOP)

        async def take_over() -> str:
            async with election.candidate("second", PATIENT) as (second, _):
                await asyncio.wait_for(second.leading.wait(), SECONDS)
                async with ApiClient(from_kubeconfig(election.cluster.kubeconfig), fence=second.check) as client:
                    written = await client.merge(election.map_path, {"data": {"writer": "second"}})
                os.kill(process.pid, signal.SIGCONT)
                await becomes(lambda: process.poll() is not None, "the stopped leader ends")
                return str(written["metadata"]["resourceVersion"])

        version = asyncio.run(take_over())
        assert process.returncode == LOST
        found = election.read_map()
        assert (found["data"], found["metadata"]["resourceVersion"]) == ({"writer": "second"}, version)
