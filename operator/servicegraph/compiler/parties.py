"""Parties that are no services: pods by label, addresses, names, and what the profile names.

Rules R5, R17 and R20. ipBlock is never used for pods: the API leaves open whether it matches them
(https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-ipblock).
"""

from servicegraph.compiler.dns import name_findings
from servicegraph.compiler.engines import speaks_cilium
from servicegraph.compiler.entries import Reader, pods_party
from servicegraph.compiler.labels import unenforceable, unseen_labels
from servicegraph.compiler.peers import Peers, error, failed
from servicegraph.compiler.places import place_entities, place_peers
from servicegraph.compiler.terms import Finding, Term, by_number
from servicegraph.compiler.view import View
from servicegraph.model.addresses import contains, touches
from servicegraph.model.cluster import Listening
from servicegraph.model.graph import (
    AddressParty,
    DeclaredService,
    NamedParty,
    NameParty,
    Party,
    PlaceParty,
    PodsParty,
    ServiceParty,
)
from servicegraph.model.policy import AddressPeer, Direction, NamePeer, PodPeer
from servicegraph.model.problems import Code, Severity
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import GraphKey
from servicegraph.model.selectors import EVERYTHING, NAMESPACE_LABEL


def party_kind(party: Party) -> str:
    """The field that names a party in the resource: what limits and messages call it."""
    match party:
        case ServiceParty():
            return "service"
        case PodsParty():
            return "pods"
        case AddressParty():
            return "cidr"
        case NameParty():
            return "fqdn"
        case NamedParty():
            return "party"
        case PlaceParty(place):
            return place.value


def limited(party: Party, profile: ClusterProfile) -> Finding | None:
    """What the limits of the profile say against a party (R20)."""
    limits = profile.limits
    kind = party_kind(party)
    name = party.name if isinstance(party, NamedParty) else kind
    if kind in limits.forbidden_parties or name in limits.forbidden_parties:
        return error(Code.LIMIT_EXCEEDED, f"this cluster forbids {name} in graphs: ask its administrators")
    if isinstance(party, AddressParty):
        for denied in limits.denied_cidrs:
            if touches(party.cidr, denied) and not _excluded(party, denied):
                return error(
                    Code.LIMIT_EXCEEDED, f"{party.cidr} reaches {denied}, which this cluster forbids: except it"
                )
    return None


def party_peers(party: Party, direction: Direction, subject: DeclaredService, view: View) -> Peers:
    """The peers of a party, in the policies of a service."""
    namespace = subject.key.namespace
    match party:
        case PodsParty():
            return _pods(party, namespace, view)
        case AddressParty():
            return _addresses(party, view.profile)
        case PlaceParty(place):
            return (place_entities if speaks_cilium(subject, view.profile) else place_peers)(place, direction, view)
        case NamedParty(name):
            return _named(name, namespace, view)
        case NameParty(pattern):
            if speaks_cilium(subject, view.profile):
                return Peers((NamePeer(pattern),), tuple(name_findings(subject, pattern)))
            return failed(
                Code.UNSUPPORTED_FQDN,
                f"{pattern} is a DNS name, which no NetworkPolicy can say: it takes an engine that sees DNS (Cilium)",
            )
        case ServiceParty(key):
            raise AssertionError(f"{key} is a service: calls and accepts resolve it themselves")


def _pods(party: PodsParty, namespace: str, view: View) -> Peers:
    """Pods by label. Workloads say what a port is called where the entry names their namespace.

    Where it selects namespaces, anybody's workload could write into this rule: then only numbers count.
    """
    if unseen := unenforceable(party.pods, unseen_labels(view.profile.engine)):
        return Peers(findings=(unseen,))
    findings = []
    if party.pods.is_empty or (party.namespaces is not None and party.namespaces.is_empty):
        what = "every pod" if party.pods.is_empty else "these pods"
        where = "of the namespaces it names" if party.namespaces is not None else "of this namespace"
        if party.namespaces == EVERYTHING:
            where = "of every namespace"
        findings.append(
            Finding(Code.WIDE_OPEN, Severity.WARNING, f"this is {what} {where}, those of tomorrow included")
        )
    own = party.namespaces is None
    names = [namespace] if party.namespaces is None else view.inventory.namespaces_matching(party.namespaces)
    matched = [w for name in names for w in view.inventory.matching(name, party.pods)]
    if any(w.host_network for w in matched):
        message = (
            f"{', '.join(str(w.key) for w in matched if w.host_network and own) or 'some of these pods'} run in the "
            "host's network, where no pod selector matches: for those, write nodes: true"
        )
        findings.append(Finding(Code.HOST_NETWORK, Severity.WARNING, message))
    named = own or (party.namespaces is not None and NAMESPACE_LABEL in party.namespaces.labels())
    known = {port for w in matched for port in w.ports} if named else set()
    reached = Term(party.pods, Listening((), tuple(sorted(known, key=by_number))))
    return Peers((PodPeer(party.pods, party.namespaces),), tuple(findings), reached)


def _addresses(party: AddressParty, profile: ClusterProfile) -> Peers:
    for inside in profile.ranges.pods + profile.ranges.services:
        if touches(party.cidr, inside) and not _excluded(party, inside):
            return failed(
                Code.CIDR_OVER_CLUSTER,
                f"{party.cidr} holds {inside}, addresses of this cluster's pods or Services, for which no address rule "
                "can be relied on: name the service or the pods, write internet: true, or except it",
            )
    findings: tuple[Finding, ...] = ()
    if not (profile.ranges.pods and profile.ranges.services):
        message = (
            f"whether {party.cidr} holds addresses of this cluster's pods or Services cannot be checked: write "
            "ranges.pods and ranges.services in the ClusterProfile"
        )
        findings = (Finding(Code.PROFILE_INCOMPLETE, Severity.INFO, message),)
    return Peers((AddressPeer(party.cidr, party.excluded),), findings)


def _named(name: str, namespace: str, view: View) -> Peers:
    found = next((party for party in view.profile.parties if party.name == name), None)
    if found is None:
        known = ", ".join(sorted(party.name for party in view.profile.parties))
        there = f"it names {known}" if known else "it names none"
        return failed(Code.UNKNOWN_PARTY, f"the profile of this cluster names no party {name!r}: {there}")
    if found.cidr is not None:
        return _addresses(AddressParty(found.cidr, tuple(sorted(found.except_))), view.profile)
    assert found.pods is not None
    reader = Reader(GraphKey(namespace, name))
    party = pods_party(reader, found.pods, f"parties: {name}")
    if party is None or reader.problems:
        return failed(Code.UNKNOWN_PARTY, f"the profile's party {name!r} is wrong: {reader.problems[0].message}")
    return _pods(party, namespace, view)


def _excluded(party: AddressParty, cidr: str) -> bool:
    return any(contains(inner, cidr) for inner in party.excluded)
