"""Hubble's lines become calls, or the reason why they say nothing."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from servicegraph.adopt.flows import FlowEnd, FlowKey, Lost, Observed, tally
from servicegraph.sources.errors import InputError
from servicegraph.sources.hubble import observed
from tests.unit.adopt.flowlines import API_SERVER, HOST, REMOTE_NODE, WORLD, both, line, pod, text

WEB, DB = pod("shop", {"app": "web"}, "web"), pod("shop", {"app": "db"}, "db", "StatefulSet")
HOST_API_SERVER = {"identity": 1, "labels": ["reserved:host", "reserved:kube-apiserver"]}
WEB_END = FlowEnd("shop", (("app", "web"),), "Deployment", "web")
DB_END = FlowEnd("shop", (("app", "db"),), "StatefulSet", "db")


def read(tmp_path: Path, *lines: str) -> list[Observed | Lost | str]:
    file = tmp_path / "flows.json"
    file.write_text(text(lines))
    return list(observed(str(file)))


def one(tmp_path: Path, *arguments: Any, **options: Any) -> Observed | Lost | str:
    (found,) = read(tmp_path, line(*arguments, **options))
    return found


def test_a_call_is_who_and_where_and_not_which_pod(tmp_path: Path) -> None:
    assert one(tmp_path, WEB, DB, 5432) == Observed(FlowKey(WEB_END, DB_END, "TCP", 5432), True, False)
    assert one(tmp_path, WEB, DB, 53, "UDP", direction="INGRESS") == Observed(
        FlowKey(WEB_END, DB_END, "UDP", 53), True, True
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"reply": True}, "replies"),
        ({"reply": None, "flags": {"ACK": True}}, "in an unknown direction"),
        ({"reply": None, "flags": {"SYN": True, "ACK": True}}, "in an unknown direction"),
        ({"Type": "L7", "l7": {"type": "REQUEST", "dns": {"query": "db."}}}, "other events"),
        ({"Type": "SOCK", "verdict": "TRANSLATED"}, "other events"),
        ({"verdict": "TRACED"}, "other events"),
        ({"verdict": "DROPPED", "drop_reason_desc": "INVALID_VNI"}, "dropped for other reasons than policies"),
        ({"l4": {"ICMPv4": {"type": 8}}}, "without a port"),
        ({"l4": None}, "without a port"),
    ],
    ids=str,
)  # fmt: skip
def test_what_says_nothing_says_why(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    assert one(tmp_path, WEB, DB, 5432, **options) == why


@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        (HOST, DB, "between a node and its own pods"),
        (HOST_API_SERVER, DB, "between a node and its own pods"),
        (WORLD, REMOTE_NODE, "without a pod"),
    ],
)
def test_ends_of_which_no_policy_decides(tmp_path: Path, source: Any, destination: Any, why: str) -> None:
    assert one(tmp_path, source, destination, 5432) == why


def test_a_dropped_packet_counts_where_it_begins_a_connection(tmp_path: Path) -> None:
    found = one(tmp_path, WEB, DB, 5432, verdict="DROPPED", reply=None)
    assert isinstance(found, Observed) and not found.passed
    udp = one(tmp_path, WEB, DB, 53, "UDP", verdict="DROPPED", reply=None)
    assert isinstance(udp, Observed) and not udp.passed


def test_what_is_no_pod_has_its_identity_address_and_name(tmp_path: Path) -> None:
    out = one(tmp_path, WEB, WORLD, 443, addresses=("10.0.1.7", "203.0.113.4"), destination_names=["b.test", "a.test"])
    assert isinstance(out, Observed)
    assert out.key.destination == FlowEnd(
        entity="world", address="203.0.113.4", names=("a.test", "b.test"), entities=("world",)
    )
    api = one(tmp_path, WEB, API_SERVER, 6443)
    assert isinstance(api, Observed) and api.key.destination.entity == "kube-apiserver"
    assert api.key.destination.entities == ("kube-apiserver", "remote-node")
    own = one(tmp_path, WEB, HOST_API_SERVER, 6443)
    assert isinstance(own, Observed) and own.key.destination.entity == "kube-apiserver"


def test_both_ends_report_one_connection(tmp_path: Path) -> None:
    flows = tally(read(tmp_path, *both(WEB, DB, 5432), *both(WEB, DB, 5432)))
    (count,) = flows.calls.values()
    assert (flows.read, count.times, count.passed) == (6, 2, True)
    assert flows.left_out == {"replies": 2}


def test_what_left_one_end_and_was_dropped_at_the_other_did_not_pass(tmp_path: Path) -> None:
    there = line(WEB, DB, 5432)
    dropped = line(WEB, DB, 5432, verdict="DROPPED", direction="INGRESS", reply=None)
    (count,) = tally(read(tmp_path, there, dropped)).calls.values()
    assert not count.passed and count.times == 1


def test_a_line_without_its_envelope_is_the_flow_itself(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    whole = line(WEB, DB, 5432)
    file.write_text(
        whole[whole.index(":") + 1 : whole.index(', "node_name": "servicegraph-worker", "time"', 900)] + "\n"
    )
    assert [type(found) for found in observed(str(file))] == [Observed]


def test_what_else_the_export_holds_is_left_out(tmp_path: Path) -> None:
    status = '{"node_status": {"state_change": "NODE_CONNECTED"}, "node_name": "n"}'
    assert read(tmp_path, status) == ["other events"]


def test_lost_flows_are_counted(tmp_path: Path) -> None:
    lost = '{"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "3"}, "node_name": "n"}'
    flows = tally(read(tmp_path, lost, *both(WEB, DB, 5432), lost))
    assert (flows.lost, flows.read, flows.left_out) == (6, 3, {"replies": 1})


def test_gzip_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "flows.json.gz"
    file.write_bytes(gzip.compress(text(both(WEB, DB, 5432)).encode()))
    assert len(list(observed(str(file)))) == 3


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_is_cut_off_counts_up_to_there(tmp_path: Path, compressed: bool) -> None:
    data = text([line(WEB, DB, port) for port in range(1, 200)]).encode()
    file = tmp_path / "flows"
    file.write_bytes(gzip.compress(data)[:-40] if compressed else data[:-300])
    found = list(observed(str(file)))
    assert found[-1] == "cut off at the end"
    assert all(isinstance(item, Observed) for item in found[:-1]) and len(found) > 1


@pytest.mark.parametrize("at", [-4, 200], ids=["checksum", "middle"])
def test_a_file_that_is_damaged_is_refused(tmp_path: Path, at: int) -> None:
    data = bytearray(gzip.compress(text([line(WEB, DB, port) for port in range(1, 2000)]).encode()))
    data[at : at + 4] = bytes(byte ^ 255 for byte in data[at:][:4])
    (tmp_path / "flows").write_bytes(data)
    with pytest.raises(InputError, match=r"damaged after line \d+"):
        list(observed(str(tmp_path / "flows")))


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        read(tmp_path, line(WEB, DB, 1), '{"flow": {"verdict": 5}}', line(WEB, DB, 2))
    assert raised.value.line == 2 and "no flow of Hubble" in raised.value.message


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("where", [("nonsense", "10.0.2.8"), ("10.0.1.7", "1.2.3")], ids=str)
def test_an_address_that_is_none_is_named(tmp_path: Path, where: tuple[str, str], last: bool) -> None:
    after = [] if last else [line(WEB, DB, 2)]
    with pytest.raises(InputError, match="is not an IP address") as raised:
        read(tmp_path, line(WEB, DB, 1), line(WORLD, DB, 1, addresses=where), *after)
    assert raised.value.line == 2


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_named(tmp_path: Path, port: int) -> None:
    with pytest.raises(InputError, match="destination_port") as raised:
        read(tmp_path, line(WEB, DB, 1), line(WEB, DB, port))
    assert raised.value.line == 2


def test_a_fragment_has_no_port(tmp_path: Path) -> None:
    assert one(tmp_path, WEB, DB, 0) == "without a port"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read(tmp_path, "kind: ServiceGraph")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(observed(str(tmp_path / "none")))


def test_memory_is_bounded_whoever_calls() -> None:
    callers = (FlowEnd(entity="world", address=f"198.51.{n >> 8}.{n & 255}") for n in range(5000))
    flows = tally((Observed(FlowKey(c, WEB_END, "TCP", 80), True, True) for c in callers), most=10)
    assert len(flows.calls) == 11
    assert flows.calls[FlowKey(FlowEnd(entity="world"), WEB_END, "TCP", 80)].times == 4990
