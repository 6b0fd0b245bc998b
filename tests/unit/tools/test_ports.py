import socket

from tools.cluster.ports import free_port


def test_a_free_port_can_be_listened_on_at_once() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()


def test_a_taken_port_is_not_given_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert listener.getsockname()[1] not in {free_port() for _ in range(50)}
