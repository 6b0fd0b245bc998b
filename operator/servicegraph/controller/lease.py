"""The rules of a Lease, without a clock or an API server.

As client-go's leader election has them (https://pkg.go.dev/k8s.io/client-go/tools/leaderelection): a candidate does
not compare others' clocks with its own, it waits until a lease has not changed for as long as it is valid. What is
added is the fence: a holder counts its own time from before it asked, so that it never believes longer than others do.
"""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from servicegraph.sources.wire import Metadata


class LeaseSpec(msgspec.Struct, frozen=True, rename="camel"):
    """coordination.k8s.io/v1 LeaseSpec; times are kept as they were written."""

    holder_identity: str = ""
    lease_duration_seconds: int = 0
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class LeaseMetadata(Metadata, frozen=True):
    """ObjectMeta with what tells a Lease from its successor of the same name."""

    uid: str = ""


class Lease(msgspec.Struct, frozen=True):
    """coordination.k8s.io/v1 Lease."""

    metadata: LeaseMetadata
    spec: LeaseSpec = LeaseSpec()


class Timing(msgspec.Struct, frozen=True):
    """Seconds: how long others respect the lease, how long to try renewing it, and how often."""

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0


class Candidate:
    """Somebody who wants a lease that another may hold. Times are seconds of one's own clock."""

    def __init__(self) -> None:
        self._seen = LeaseSpec()
        self._seen_at = 0.0

    def may_take(self, spec: LeaseSpec, now: float) -> bool:
        """Whether the lease, just read, is nobody's any more. `now` is from after the answer."""
        if spec != self._seen:
            self._seen, self._seen_at = spec, now
        return not spec.holder_identity or now >= self._seen_at + spec.lease_duration_seconds


class Term:
    """The time for which a holder may believe in its lease. Times are seconds of its own clock."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._renewed_at: float | None = None

    def renewed(self, asked_at: float) -> None:
        """The API server wrote the lease; `asked_at` is from before the request."""
        self._renewed_at = asked_at

    def end(self) -> None:
        """Give it up at once."""
        self._renewed_at = None

    def outlives(self, now: float, seconds: float) -> bool:
        """Whether something that begins now and takes `seconds` ends before anybody else can hold the lease."""
        return self._renewed_at is not None and now + seconds < self._renewed_at + self._timing.lease

    def is_overdue(self, now: float) -> bool:
        """Whether renewing it has failed for too long."""
        return self._renewed_at is None or now >= self._renewed_at + self._timing.renew


def taken(spec: LeaseSpec, identity: str, timing: Timing, now: datetime) -> LeaseSpec:
    """The lease in the hands of `identity`: taken over, or renewed where it was so already."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewal = spec.holder_identity == identity
    return LeaseSpec(
        holder_identity=identity,
        lease_duration_seconds=math.ceil(timing.lease),
        acquire_time=spec.acquire_time if renewal else stamp,
        renew_time=stamp,
        lease_transitions=spec.lease_transitions + (0 if renewal else 1),
    )


def released(spec: LeaseSpec) -> LeaseSpec:
    """The lease in nobody's hands."""
    return LeaseSpec(lease_duration_seconds=1, renew_time=spec.renew_time, lease_transitions=spec.lease_transitions)


def manifest(metadata: LeaseMetadata, spec: LeaseSpec) -> dict[str, Any]:
    """The Lease as JSON. With uid and resourceVersion it replaces only that very one.

    The API server would otherwise make a Lease anew that somebody deleted.
    """
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": _stated(metadata),
        "spec": _stated(spec),
    }


def _stated(struct: msgspec.Struct) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(struct).items() if value != ""}
