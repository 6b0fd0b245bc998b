"""What compiling gives: the declared flows, the policies, the edges with their state, the problems."""

from enum import StrEnum

import msgspec

from servicegraph.model.policy import Declared, Policy
from servicegraph.model.problems import Problem
from servicegraph.model.refs import GraphKey, ServiceKey


class EdgeState(StrEnum):
    """What became of an entry of `calls`."""

    ACTIVE = "Active"
    AWAITING_CONSENT = "AwaitingConsent"
    UNRESOLVED = "Unresolved"
    UNSUPPORTED = "Unsupported"


class Edge(msgspec.Struct, frozen=True, gc=False):
    """A call, or the part of one that shares a state: ports of one entry can differ.

    `party` is the callee as text; `ports` are as text, empty for all.
    """

    graph: GraphKey
    caller: ServiceKey
    party: str
    state: EdgeState
    path: str
    ports: tuple[str, ...] = ()


class Compilation(msgspec.Struct, frozen=True):
    """The whole result, in canonical order: the same input gives the same bytes."""

    declared: tuple[Declared, ...] = ()
    policies: tuple[Policy, ...] = ()
    edges: tuple[Edge, ...] = ()
    problems: tuple[Problem, ...] = ()
