"""Names, labels and annotations of what we emit: deterministic, valid, collision-free (R12, R15)."""

import hashlib

import msgspec

from servicegraph.model.policy import Engine
from servicegraph.model.selectors import Selector

HASH_ANNOTATION = "servicegraph.dev/hash"
LISTENING_ANNOTATION = "servicegraph.dev/listening"
DRAINING_ANNOTATION = "servicegraph.dev/draining"
GRAPH_LABEL = "servicegraph.dev/graph"
SERVICE_LABEL = "servicegraph.dev/service"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"

MANAGED_BY = "servicegraph-operator"
RENDERED_BY = "servicegraph-render"
DEFAULT_DENY = "sg-default-deny"

_PREFIX = "sg-"
_CILIUM = "-cilium"
_LONGEST_LABEL = 63
_LONGEST_NAME = 253 - len("rendered-")


def digest(value: object, length: int = 10) -> str:
    """The first hex digits of the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:length]


def policy_name(
    service: str, subject: Selector, part: int = 0, parts: int = 1, engine: Engine = Engine.NETWORK_POLICY
) -> str:
    """The name of a service's policy for one selector term, such as `sg-search-0a1b2c3d4e`.

    The hash of the term keeps the policy of a term that moved apart from its successor's (R14). Policies spread
    over several objects carry their number and count, and those of Cilium end in `-cilium`: another count, or
    another engine, makes new objects before the old ones go (R13).
    """
    suffix = f"-{digest(subject)}" + (f"-{part}of{parts}" if parts > 1 else "")
    suffix += _CILIUM if engine is Engine.CILIUM else ""
    return f"{_PREFIX}{_cut(service, _LONGEST_NAME - len(_PREFIX) - len(suffix))}{suffix}"


def exemption_name(service: str, subject: Selector) -> str:
    """The name of the allow-all that exempts a service from its namespace's default deny (R18)."""
    suffix = f"-{digest(subject)}-open"
    return f"{_PREFIX}{_cut(service, _LONGEST_NAME - len(_PREFIX) - len(suffix))}{suffix}"


def rendered_name(name: str) -> str:
    """The name of the same policy in the output of `render`: never one that the operator would take for its own."""
    return f"rendered-{name}"


def label_value(name: str) -> str:
    """A name as a label value: at most 63 characters, cut with a hash of the whole."""
    return _cut(name, _LONGEST_LABEL)


def _cut(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    return f"{name[: length - 9].rstrip('-.')}-{digest(name, 8)}"
