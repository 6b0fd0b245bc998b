"""What can be done to requests on their way to the API server, and which requests it is done to. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

_REASONS = {
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the proxy saw it; `path` is without the query."""

    method: str
    path: str
    watch: bool

    @classmethod
    def of(cls, method: str, target: str) -> "Request":
        """From a method and a request target such as `/api/v1/pods?watch=true`."""
        parts = urlsplit(target)
        watch = parse_qs(parts.query).get("watch", ["false"])[0] in ("1", "true")
        return cls(method, parts.path, watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One disturbance. The first four fields choose requests, `times` how many of them (None: all until healed).

    `status` answers in the API server's place, with `retry_after` seconds as a header; `expired` answers a watch with
    an ERROR event 410 inside a good answer. The others let the request reach the API server first: `delay` seconds
    before the answer, `cut_after` bytes of its body the connection ends.
    """

    methods: frozenset[str] = frozenset()
    path: str = ""
    watch: bool | None = None
    times: int | None = None

    status: int | None = None
    retry_after: int | None = None
    expired: bool = False
    delay: float = 0.0
    cut_after: int | None = None

    def matches(self, request: Request) -> bool:
        """No methods: every method. `path` is a regular expression, found anywhere in the request's path."""
        return (
            (not self.methods or request.method in self.methods)
            and (self.watch is None or self.watch == request.watch)
            and re.search(self.path, request.path) is not None
        )


def status_body(code: int) -> dict[str, Any]:
    """The Status object the API server would send with this code."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "injected by the fault proxy",
        "reason": _REASONS.get(code, ""),
        "code": code,
    }


def expired_event() -> bytes:
    """The line of a watch that says that its resourceVersion is too old."""
    return json.dumps({"type": "ERROR", "object": status_body(410)}).encode() + b"\n"
