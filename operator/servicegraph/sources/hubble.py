"""Flows as Cilium's Hubble writes them: one JSON object a line, from its export or from `hubble observe -o json`.

https://docs.cilium.io/en/stable/observability/hubble/configuration/export/, and the messages in
https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec

from servicegraph.adopt.flows import FlowEnd, FlowKey, Lost, Observed
from servicegraph.model.addresses import canonical
from servicegraph.model.ports import Protocol
from servicegraph.sources.errors import InputError
from servicegraph.sources.files import STDIN

REPLIES, OWN_NODE, NO_POD = "replies", "between a node and its own pods", "without a pod"
NO_PORT, OTHER_EVENTS, UNKNOWN_WAY = "without a port", "other events", "in an unknown direction"
OTHER_DROPS, CUT_OFF = "dropped for other reasons than policies", "cut off at the end"

_GZIP = b"\x1f\x8b"
_PASSED = ("FORWARDED", "REDIRECTED", "AUDIT")
_BY_POLICY = ("POLICY_DENIED", "POLICY_DENY")
_NO_LABELS = ("io.kubernetes.pod.", "io.cilium.k8s.")
_ENTITIES = ("kube-apiserver", "host", "remote-node", "health", "ingress", "unmanaged", "init")


class _Wire(msgspec.Struct, frozen=True):
    pass


class _Flags(_Wire, frozen=True):
    SYN: bool = False
    ACK: bool = False


class _Ports(_Wire, frozen=True):
    destination_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    flags: _Flags = _Flags()


class _Layer4(_Wire, frozen=True):
    TCP: _Ports | None = None
    UDP: _Ports | None = None
    SCTP: _Ports | None = None


class _Addresses(_Wire, frozen=True):
    source: str = ""
    destination: str = ""


class _Workload(_Wire, frozen=True):
    name: str = ""
    kind: str = ""


class _Endpoint(_Wire, frozen=True):
    namespace: str = ""
    labels: tuple[str, ...] = ()
    pod_name: str = ""
    workloads: tuple[_Workload, ...] = ()


class _Flow(_Wire, frozen=True):
    verdict: str = ""
    drop_reason_desc: str = ""
    l4: _Layer4 | None = None
    IP: _Addresses = _Addresses()
    source: _Endpoint = _Endpoint()
    destination: _Endpoint = _Endpoint()
    Type: str = ""
    is_reply: bool | None = None
    traffic_direction: str = ""
    source_names: tuple[str, ...] = ()
    destination_names: tuple[str, ...] = ()


class _LostEvents(_Wire, frozen=True):
    num_events_lost: int | str = 0


class _Line(_Flow, frozen=True):
    """A line holds a flow, or is one: `hubble observe -o json` left the envelope out before 0.10."""

    flow: _Flow | None = None
    lost_events: _LostEvents | None = None


_decode = msgspec.json.Decoder(_Line).decode


def observed(name: str) -> Iterator[Observed | Lost | str]:
    """The flows of a file, gzipped or not, or of standard input for `-`; for those that say nothing, why.

    One line is held at a time. Raises InputError with the line that is no flow, or has no addresses; one cut off at the
    very end is told and left out, as it is where a file is copied while it is written.
    """
    try:
        if name == STDIN:
            yield from _lines("<stdin>", io.BufferedReader(sys.stdin.buffer))  # type: ignore[arg-type]
        else:
            with Path(name).open("rb") as file:
                yield from _lines(name, file)
    except OSError as error:
        raise InputError(name, f"it cannot be read: {error.strerror or error}: check the path") from None


def _lines(name: str, file: io.BufferedReader) -> Iterator[Observed | Lost | str]:
    opened = gzip.GzipFile(fileobj=file) if file.peek(len(_GZIP))[: len(_GZIP)] == _GZIP else file
    number = 0
    try:
        for number, line in enumerate(opened, 1):
            if line.strip():
                yield _read(line, name, number)
    except EOFError:
        yield CUT_OFF
    except (gzip.BadGzipFile, zlib.error) as error:
        message = f"what is compressed is damaged after line {number}: {error}: copy or export it again"
        raise InputError(name, message) from None


def _read(line: bytes, name: str, number: int) -> Observed | Lost | str:
    try:
        return _observed(_decode(line))
    except ValueError as error:
        is_json = isinstance(error, msgspec.ValidationError) or not isinstance(error, msgspec.DecodeError)
        if number > 1 and not is_json and not line.endswith(b"\n"):
            return CUT_OFF
        message = f"this is no flow of Hubble: {error}: write one with `hubble observe -o json`"
        raise InputError(name, message, number) from None


def _observed(line: _Line) -> Observed | Lost | str:
    if line.lost_events is not None:
        return Lost(int(line.lost_events.num_events_lost))
    flow: _Flow = line.flow or line
    passed = flow.verdict in _PASSED
    if flow.Type not in ("L3_L4", "") or not (passed or flow.verdict == "DROPPED"):
        return OTHER_EVENTS
    if not passed and flow.drop_reason_desc not in _BY_POLICY:
        return OTHER_DROPS
    if flow.is_reply:
        return REPLIES
    found = _port(flow.l4)
    if found is None or not found[1].destination_port:
        return NO_PORT
    protocol, ports = found
    if flow.is_reply is None and not _opens(protocol, ports.flags, passed=passed):
        return UNKNOWN_WAY
    source = _end(flow.source, _address(flow.IP.source), flow.source_names)
    destination = _end(flow.destination, _address(flow.IP.destination), flow.destination_names)
    if not (source.is_pod or destination.is_pod):
        return NO_POD
    if "host" in source.entities or destination.entity == "host" or "health" in (source.entity, destination.entity):
        return OWN_NODE
    key = FlowKey(source, destination, protocol, ports.destination_port)
    return Observed(key, passed, flow.traffic_direction == "INGRESS")


def _opens(protocol: Protocol, flags: _Flags, *, passed: bool) -> bool:
    """Whether a packet of which Hubble does not know goes from the client to the server."""
    return flags.SYN and not flags.ACK if protocol == "TCP" else not passed


def _port(layer: _Layer4 | None) -> tuple[Protocol, _Ports] | None:
    if layer is None:
        return None
    if layer.TCP is not None:
        return "TCP", layer.TCP
    if layer.UDP is not None:
        return "UDP", layer.UDP
    return ("SCTP", layer.SCTP) if layer.SCTP is not None else None


@lru_cache(maxsize=65_536)
def _address(written: str) -> str:
    return canonical(written) if written else ""


def _end(endpoint: _Endpoint, address: str, names: tuple[str, ...]) -> FlowEnd:
    if endpoint.namespace:
        return _pods(endpoint.namespace, endpoint.labels, endpoint.workloads)
    return _other(endpoint.labels, address, names)


@lru_cache(maxsize=65_536)
def _pods(namespace: str, labels: tuple[str, ...], workloads: tuple[_Workload, ...]) -> FlowEnd:
    """Pods by their labels; those that Cilium adds say nothing that the pods' own do not."""
    found = sorted(
        (key, value)
        for label in labels
        if label.startswith("k8s:")
        for key, _, value in [label.removeprefix("k8s:").partition("=")]
        if not key.startswith(_NO_LABELS)
    )
    workload = workloads[0] if workloads else _Workload()
    return FlowEnd(namespace, tuple(found), workload.kind, workload.name)


@lru_cache(maxsize=4_096)
def _other(labels: tuple[str, ...], address: str, names: tuple[str, ...]) -> FlowEnd:
    """What is no pod; its own node is the one that is only `host`."""
    reserved = {label.removeprefix("reserved:") for label in labels if label.startswith("reserved:")}
    entity = next((entity for entity in _ENTITIES if entity in reserved), "world")
    called = {name.rstrip(".").lower() for name in names}
    return FlowEnd(entity=entity, address=address, names=tuple(sorted(called)), entities=tuple(sorted(reserved)))
