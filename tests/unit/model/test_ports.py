"""Ports as authors write them."""

import pytest

from servicegraph.model.ports import PortRange, WrittenPort, merge_ranges, parse_port


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (8080, WrittenPort(start=8080, end=8080)),
        ("8080", WrittenPort(start=8080, end=8080)),
        ("53/UDP", WrittenPort(start=53, end=53, protocol="UDP")),
        ("38412/SCTP", WrittenPort(start=38412, end=38412, protocol="SCTP")),
        ("8000-8100", WrittenPort(start=8000, end=8100)),
        ("8000-8100/TCP", WrittenPort(start=8000, end=8100, protocol="TCP")),
        ("http", WrittenPort(name="http")),
        ("dns/UDP", WrittenPort(name="dns", protocol="UDP")),
        ("grpc-web", WrittenPort(name="grpc-web")),
        ("3scale", WrittenPort(name="3scale")),
    ],
)
def test_what_a_port_means(written: int | str, meant: WrittenPort) -> None:
    assert parse_port(written) == meant


@pytest.mark.parametrize("written", [80, "53/UDP", "8000-8100", "http", "dns/UDP"])
def test_a_port_is_shown_as_it_is_written(written: int | str) -> None:
    assert str(parse_port(written)) == str(written)


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        (0, "1 to 65535"),
        (65536, "1 to 65535"),
        (-1, "1 to 65535"),
        ("70000", "1 to 65535"),
        ("8100-8000", "8000-8100"),
        ("80/tcp", "is not a port"),
        ("80/ICMP", "is not a port"),
        ("", "is not a port"),
        ("HTTP", "is not a port"),
        ("-http", "is not a port"),
        ("80-", "is not a port"),
        ("80 ", "is not a port"),
        ("http\n", "is not a port"),
    ],
)
def test_what_is_no_port_is_told_with_what_is(written: int | str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_port(written)


def test_neighbouring_numbers_stay_apart() -> None:
    assert len(merge_ranges((PortRange("TCP", 81, 81), PortRange("TCP", 80, 80)))) == 2


def test_ranges_of_two_protocols_are_not_joined() -> None:
    assert len(merge_ranges((PortRange("TCP", 1, 9), PortRange("UDP", 5, 9)))) == 2
