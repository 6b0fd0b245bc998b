"""What the resolving stages may ask, and the small values they share."""

from functools import lru_cache
from typing import Protocol

import msgspec

from servicegraph.compiler.graph import Mentions
from servicegraph.compiler.inventory import Inventory
from servicegraph.compiler.subjects import Subject
from servicegraph.compiler.terms import Finding, Term
from servicegraph.model.graph import DeclaredService, Entry
from servicegraph.model.policy import Flow, Origin, PodPeer
from servicegraph.model.problems import Problem
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import NAMESPACE_LABEL, Selector

_KEPT = 65_536
"""Answers kept for later: every caller of a service asks the same of it, and equal peers are one object."""


class View(Protocol):
    """Everything known at this moment."""

    @property
    def profile(self) -> ClusterProfile:
        """The cluster's profile."""
        ...

    @property
    def inventory(self) -> Inventory:
        """The cluster's objects."""
        ...

    def subject(self, key: ServiceKey) -> Subject:
        """The pods of a service."""
        ...

    def declared(self, key: ServiceKey) -> DeclaredService | None:
        """The declaration of a service, where a graph has one."""
        ...

    def mentions(self, key: ServiceKey) -> Mentions:
        """The services that a declared service names."""
        ...


class Half(msgspec.Struct, frozen=True, gc=False):
    """A flow at one of a service's selector terms."""

    subject: Selector
    flow: Flow


def origin_of(service: DeclaredService, entry: Entry) -> Origin:
    """Where the flows of an entry come from."""
    return Origin(service.graph, entry.path, entry.text)


def problem_of(service: DeclaredService, finding: Finding, path: str | None = None) -> Problem:
    """A finding told to the graph that declares the service, at an entry's path or below the service's."""
    where = service.path + finding.path if path is None else path
    return Problem(finding.code, finding.severity, service.graph, where, finding.message)


@lru_cache(maxsize=_KEPT)
def _namespace(name: str) -> Selector:
    return Selector.from_labels({NAMESPACE_LABEL: name})


@lru_cache(maxsize=_KEPT)
def pod_peer(pods: Selector, namespace: str, seen_from: str) -> PodPeer:
    """Pods of a namespace as a peer in the policies of another or the same one (R4)."""
    return PodPeer(pods) if namespace == seen_from else PodPeer(pods, _namespace(namespace))


@lru_cache(maxsize=_KEPT)
def sources(subject: Subject, seen_from: str) -> tuple[PodPeer, ...]:
    """A service as an ingress peer: each of its terms, less those inside another."""
    return tuple(
        pod_peer(term.selector, subject.key.namespace, seen_from)
        for term in subject.terms
        if not term.refines and not term.on_host
    )


@lru_cache(maxsize=_KEPT)
def isolable(subject: Subject) -> tuple[Term, ...]:
    """The terms that a policy can select: not those in the host's network (R8)."""
    return tuple(term for term in subject.terms if not term.on_host)
