import random
import socket

import pytest

from tools.cluster.ports import free_port


def test_a_free_port_can_be_listened_on_at_once() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()


def test_a_taken_port_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        taken, free = free_port(), free_port()
        listener.bind(("127.0.0.1", taken))
        listener.listen()
        draws = iter([taken, taken, free])
        monkeypatch.setattr(random, "randrange", lambda start, stop: next(draws))
        assert free_port() == free
