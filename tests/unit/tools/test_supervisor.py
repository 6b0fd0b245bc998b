import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tools.cluster.process import Supervisor
from tools.cluster.state import is_alive

CHECKOUT = Path(__file__).parents[3]
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
OWNER = """
import sys, time
from pathlib import Path
from tools.cluster.process import Supervisor
supervisor = Supervisor(Path(sys.argv[1]))
print(supervisor.start("component", sys.argv[2:], Path(sys.argv[1]) / "log"), flush=True)
time.sleep(600)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster-test"
    folder.mkdir()
    return folder


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def owner(state: Path) -> tuple["subprocess.Popen[str]", int]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(state), *SLEEP], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, int(process.stdout.readline())


def test_nothing_outlives_an_owner_that_is_killed(state: Path) -> None:
    process, component = owner(state)
    assert is_alive(state)
    process.kill()
    process.wait()
    assert eventually(lambda: ended(component) and not state.exists())
    assert not is_alive(state)


def test_no_component_outlives_a_supervisor_that_is_killed(state: Path) -> None:
    process, component = owner(state)
    supervisor = psutil.Process(process.pid).children()[0]
    supervisor.kill()
    assert eventually(lambda: ended(component))
    assert not is_alive(state)
    process.kill()
    process.wait()


def test_components_stop_start_and_tell_how_they_ended(state: Path) -> None:
    supervisor = Supervisor(state)
    try:
        supervisor.start("component", SLEEP, state / "log")
        assert supervisor.exit_code("component") is None
        supervisor.stop("component", signal.SIGTERM, 10)
        assert supervisor.exit_code("component") == -signal.SIGTERM
        supervisor.start("component", [sys.executable, "-c", "print('hello'); raise SystemExit(3)"], state / "log")
        assert eventually(lambda: supervisor.exit_code("component") == 3)
        assert (state / "log").read_text() == "hello\n"
        with pytest.raises(OSError, match="no-such-program"):
            supervisor.start("component", ["/no-such-program"], state / "log")
    finally:
        supervisor.close()
    assert not state.exists()
