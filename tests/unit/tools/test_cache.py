import fcntl
import threading
from pathlib import Path

import pytest

from tools.cache import cache_root, exclusive


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SERVICEGRAPH_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/servicegraph"),
        ({"SERVICEGRAPH_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/servicegraph"),
        ({"SERVICEGRAPH_CACHE": "~/d", "HOME": "/c"}, "/c/d"),
    ],
)
def test_the_most_specific_setting_names_the_cache(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICEGRAPH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_root() == Path(expected)


def test_a_second_holder_waits_and_says_for_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "lock"
    entered = threading.Event()

    def second() -> None:
        with exclusive(lock, "the long build"):
            entered.set()

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiter = threading.Thread(target=second)
        waiter.start()
        assert not entered.wait(0.2)
    waiter.join(10)
    assert entered.is_set()
    assert "the long build" in capsys.readouterr().err
