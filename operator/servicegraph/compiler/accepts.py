"""An entry of `accepts` becomes the callee's half for parties outside the graph, or consent (R3, R7)."""

import msgspec

from servicegraph.compiler.parties import limited, party_peers
from servicegraph.compiler.ports import PortTable, pod_port, resolve_ports, service_port
from servicegraph.compiler.terms import Finding
from servicegraph.compiler.view import Half, View, isolable, origin_of, problem_of, sources
from servicegraph.model.graph import DeclaredService, Entry, ServiceParty
from servicegraph.model.policy import Direction, Flow, Peer
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey


class Accept(msgspec.Struct, frozen=True, gc=False):
    """What one entry of `accepts` gives."""

    ingress: tuple[Half, ...] = ()
    problems: tuple[Problem, ...] = ()


def resolve_accept(callee: DeclaredService, entry: Entry, view: View) -> Accept:
    """Resolve an accepted party of a declared service.

    A caller that a graph declares has its halves from its own calls; accepting it is consent and gives no rule here.
    """
    if finding := limited(entry.party, view.profile):
        return Accept(problems=(problem_of(callee, finding, entry.path),))
    findings: tuple[Finding, ...]
    if isinstance(entry.party, ServiceParty):
        if view.declared(entry.party.key) is not None:
            return _consent(callee, entry.party.key, entry, view)
        peers, findings = _outside_service(entry.party, callee, view)
        read = service_port
    else:
        answer = party_peers(entry.party, Direction.INGRESS, callee, view)
        peers, findings = answer.peers, answer.findings
        read = pod_port
    problems = [problem_of(callee, finding, entry.path) for finding in findings]
    terms = isolable(view.subject(callee.key))
    if not peers or not terms:
        return Accept(problems=tuple(problems))
    table = resolve_ports(terms, entry.ports, read)
    origin = origin_of(callee, entry)
    ingress = tuple(
        Half(term.selector, Flow(Direction.INGRESS, peer, ranges, origin))
        for term, ranges in table.rows
        for peer in peers
    )
    return Accept(ingress, (*problems, *_unresolved(callee, entry, table)))


def _unresolved(callee: DeclaredService, entry: Entry, table: PortTable) -> tuple[Problem, ...]:
    """The ports that lead nowhere; an entry of `defaults` is silent about those that this service lacks."""
    return tuple(
        problem_of(callee, Finding(u.code, Severity.ERROR, f"{callee.key}: {u.message}"), entry.path)
        for u in table.unresolved
        if not (entry.default and u.code is Code.PORT_NOT_FOUND)
    )


def _consent(callee: DeclaredService, caller: ServiceKey, entry: Entry, view: View) -> Accept:
    if entry.default:
        return Accept()
    if callee.key in view.mentions(caller).calls:
        table = resolve_ports(isolable(view.subject(callee.key)), entry.ports, service_port)
        return Accept(problems=_unresolved(callee, entry, table))
    message = f"{caller} is declared and does not call {callee.key.name}: this entry gives no rule until it does"
    return Accept(problems=(problem_of(callee, Finding(Code.UNUSED_CONSENT, Severity.INFO, message), entry.path),))


def _outside_service(
    party: ServiceParty, callee: DeclaredService, view: View
) -> tuple[tuple[Peer, ...], tuple[Finding, ...]]:
    caller = view.subject(party.key)
    if caller.external:
        message = f"the Service {party.key} has no pods but addresses or a name, which are never a source: write a cidr"
        return (), (Finding(Code.EXTERNAL_SERVICE, Severity.ERROR, message),)
    peers = sources(caller, callee.key.namespace)
    if caller.known and not peers:
        message = f"the pods of {party.key} run in the host's network: as a source, write nodes: true"
        return (), (Finding(Code.HOST_NETWORK, Severity.ERROR, message),)
    if not peers:
        message = f"no graph, Service or workload is named {party.key}: the rule appears with one"
        return (), (Finding(Code.CALLER_NOT_FOUND, Severity.WARNING, message),)
    return peers, ()
