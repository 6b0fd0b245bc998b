"""An entry of `calls` becomes both halves of its edge, or says why not (R3, R4, R7, R8, R10)."""

import msgspec

from servicegraph.compiler.consent import consent_of, is_accepted, ports_waiting
from servicegraph.compiler.dns import asked_name, name_findings
from servicegraph.compiler.engines import speaks_cilium
from servicegraph.compiler.entries import party_text
from servicegraph.compiler.parties import limited, party_peers
from servicegraph.compiler.places import outside_peers
from servicegraph.compiler.ports import PortTable, Ranges, Unresolved, pod_port, resolve_ports, service_port
from servicegraph.compiler.subjects import Subject
from servicegraph.compiler.terms import Finding
from servicegraph.compiler.view import Half, View, isolable, origin_of, pod_peer, problem_of, sources
from servicegraph.model.compilation import Edge, EdgeState
from servicegraph.model.graph import DeclaredService, Entry, PodsParty, ServiceParty
from servicegraph.model.policy import Direction, Flow, Peer
from servicegraph.model.ports import WrittenPort, intersect_ranges, subtract_ranges
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey


class Call(msgspec.Struct, frozen=True, gc=False):
    """What one entry of `calls` gives: the caller's half, the callee's half, and the edge's states."""

    callee: ServiceKey | None = None
    egress: tuple[Half, ...] = ()
    ingress: tuple[Half, ...] = ()
    edges: tuple[Edge, ...] = ()
    problems: tuple[Problem, ...] = ()


def resolve_call(caller: DeclaredService, entry: Entry, view: View) -> Call:
    """Resolve a call of a declared service. What cannot be resolved or expressed gives no rule (R5).

    A call of a service without pods is unresolved, whatever its party is; of one in the host's network, unsupported.
    """
    found = _resolve(caller, entry, view)
    subject = view.subject(caller.key)
    if isolable(subject):
        return found
    state = EdgeState.UNSUPPORTED if subject.terms else EdgeState.UNRESOLVED
    return msgspec.structs.replace(found, edges=(_edge(caller, entry, state),))


def _resolve(caller: DeclaredService, entry: Entry, view: View) -> Call:
    if finding := limited(entry.party, view.profile):
        return _refused(caller, entry, finding, EdgeState.UNSUPPORTED)
    if not isinstance(entry.party, ServiceParty):
        return _outside(caller, entry, view)
    callee = view.subject(entry.party.key)
    if callee.external:
        return _external(caller, entry, callee, view)
    if not callee.known:
        return _unknown(caller, entry, callee)
    return _service(caller, entry, callee, view)


def _service(caller: DeclaredService, entry: Entry, callee: Subject, view: View) -> Call:
    declared = view.declared(callee.key)
    foreign = callee.key.namespace != caller.key.namespace
    reachable = isolable(callee)
    if not reachable:
        if foreign and declared is not None and not is_accepted(callee.key, caller.key, view):
            return _unknown(caller, entry, callee)
        message = (
            f"the pods of {callee.key} run in the host's network, where no pod selector matches: write nodes: true"
        )
        finding = Finding(Code.HOST_NETWORK, Severity.ERROR, message)
        return _refused(caller, entry, finding, EdgeState.UNSUPPORTED)
    table = resolve_ports(reachable, entry.ports, service_port)
    if foreign and declared is None and not table.rows:
        return _unknown(caller, entry, callee)
    consent = consent_of(callee.key, caller.key, reachable, view) if foreign and declared is not None else None
    waiting = ports_waiting(entry, table, consent) if consent is not None else []
    if consent is not None and not consent.whole:
        table = PortTable(table.rows)
    subject = view.subject(caller.key)
    origin = origin_of(caller, entry)
    peers = sources(subject, callee.key.namespace)
    ingress: list[Half] = []
    for term, ranges in table.rows:
        granted = ranges if consent is None else intersect_ranges(ranges, consent.granted[term])
        if granted:
            ingress += [Half(term.selector, Flow(Direction.INGRESS, peer, granted, origin)) for peer in peers]
    egress = [
        Half(own.selector, Flow(Direction.EGRESS, peer, ranges, origin))
        for peer, ranges in _destinations(callee, table, caller.key.namespace)
        for own in isolable(subject)
    ]
    return Call(
        callee.key,
        tuple(egress),
        tuple(ingress) if declared is not None else (),
        _edges(caller, entry, table, waiting),
        _problems(caller, entry, callee, declared, table, waiting),
    )


def _destinations(callee: Subject, table: PortTable, seen_from: str) -> list[tuple[Peer, Ranges]]:
    """The callee's terms as egress peers; a term inside another adds only what the wider one lacks."""
    found: list[tuple[Peer, Ranges]] = []
    for term, ranges in table.rows:
        extra = ranges
        if term.refines:
            for wider, covered in table.rows:
                if not wider.refines and set(wider.selector.requirements) <= set(term.selector.requirements):
                    extra = subtract_ranges(extra, covered)
        if extra:
            found.append((pod_peer(term.selector, callee.key.namespace, seen_from), extra))
    return found


def _edges(
    caller: DeclaredService, entry: Entry, table: PortTable, waiting: list[WrittenPort | None]
) -> tuple[Edge, ...]:
    if not table.unresolved and not waiting:
        return (_edge(caller, entry, EdgeState.ACTIVE),)
    unresolved = [u.port for u in table.unresolved]
    states: dict[EdgeState, list[WrittenPort | None]] = {
        EdgeState.ACTIVE: [p for p in entry.ports or (None,) if p not in unresolved and p not in waiting],
        EdgeState.AWAITING_CONSENT: [p for p in waiting if p not in unresolved],
        EdgeState.UNRESOLVED: unresolved,
    }
    return tuple(
        Edge(
            caller.graph,
            caller.key,
            party_text(entry.party, caller.key.namespace),
            state,
            entry.path,
            tuple(str(port) for port in ports if port is not None),
        )
        for state, ports in states.items()
        if ports
    )


def _problems(
    caller: DeclaredService,
    entry: Entry,
    callee: Subject,
    declared: DeclaredService | None,
    table: PortTable,
    waiting: list[WrittenPort | None],
) -> tuple[Problem, ...]:
    problems = [_awaiting(caller, entry, callee.key)] if waiting else []
    elsewhere = declared is None and callee.key.namespace != caller.key.namespace
    problems += [
        problem_of(caller, _unresolved(unresolved, elsewhere, f"{callee.key}: "), entry.path)
        for unresolved in table.unresolved
    ]
    if declared is None:
        message = f"no graph declares {callee.key}: this call is allowed here, and nothing isolates the callee"
        problems.append(problem_of(caller, Finding(Code.CALLEE_NOT_ISOLATED, Severity.INFO, message), entry.path))
    return tuple(problems)


def _unresolved(unresolved: Unresolved, elsewhere: bool, where: str = "") -> Finding:
    """A port that leads nowhere; the ports there are, only of one's own namespace or of one that consents (R7)."""
    told = unresolved.message
    if elsewhere:
        told = (
            "write `ports`"
            if unresolved.port is None
            else f"port {unresolved.port} leads nowhere there: write a number"
        )
    return Finding(unresolved.code, Severity.ERROR, where + told)


def _unknown(caller: DeclaredService, entry: Entry, callee: Subject) -> Call:
    if callee.key.namespace != caller.key.namespace:
        edge = _edge(caller, entry, EdgeState.AWAITING_CONSENT)
        return Call(callee.key, edges=(edge,), problems=(_awaiting(caller, entry, callee.key),))
    message = f"nothing named {callee.key.name} gives pods in {callee.key.namespace}: the rule appears with them"
    return _refused(
        caller, entry, Finding(Code.CALLEE_NOT_FOUND, Severity.ERROR, message), EdgeState.UNRESOLVED, callee.key
    )


def _awaiting(caller: DeclaredService, entry: Entry, callee: ServiceKey) -> Problem:
    """One message whether the callee exists or not, without ports: consent is the callee's to tell (R7)."""
    message = (
        f"{callee} has not accepted this call, or does not exist: in a graph of namespace {callee.namespace} its "
        f"owners write accepts: [{{service: {caller.key.name}, namespace: {caller.key.namespace}}}]"
    )
    return problem_of(caller, Finding(Code.AWAITING_CONSENT, Severity.WARNING, message), entry.path)


def _external(caller: DeclaredService, entry: Entry, callee: Subject, view: View) -> Call:
    if callee.key.namespace != caller.key.namespace:
        message = (
            f"the Service {callee.key} has no pods but addresses or a name, which others could change: "
            "write a cidr, or declare such a Service in this namespace"
        )
        finding = Finding(Code.EXTERNAL_SERVICE, Severity.ERROR, message)
        return _refused(caller, entry, finding, EdgeState.UNSUPPORTED, callee.key)
    meant, what = ("cidr", "addresses") if callee.external_name is None else ("fqdn", "a DNS name")
    if meant in view.profile.limits.forbidden_parties:
        message = (
            f"the Service {callee.key} stands for {what}, and this cluster forbids {meant} in graphs: ask its "
            "administrators"
        )
        finding = Finding(Code.LIMIT_EXCEEDED, Severity.ERROR, message)
        return _refused(caller, entry, finding, EdgeState.UNSUPPORTED, callee.key)
    if callee.external_name is not None:
        if speaks_cilium(caller, view.profile):
            table = resolve_ports((callee.reached,), entry.ports, pod_port)
            findings = [Finding(u.code, Severity.ERROR, u.message) for u in table.unresolved]
            findings += name_findings(caller, asked_name(callee.key, view.profile).pattern)
            return _one_sided(caller, entry, (asked_name(callee.key, view.profile),), table, findings, view, callee.key)
        message = (
            f"the Service {callee.key} stands for the DNS name {callee.external_name}, which no NetworkPolicy can say"
        )
        finding = Finding(Code.EXTERNAL_SERVICE, Severity.ERROR, message)
        return _refused(caller, entry, finding, EdgeState.UNSUPPORTED, callee.key)
    answer = outside_peers(callee.addresses, view)
    table = resolve_ports((callee.reached,), entry.ports, service_port)
    findings = list(answer.findings)
    findings += [Finding(u.code, Severity.ERROR, u.message) for u in table.unresolved]
    if not answer.peers and not findings:
        message = f"no EndpointSlice gives the Service {callee.key} an address: the rule appears with one"
        findings.append(Finding(Code.CALLEE_NOT_FOUND, Severity.ERROR, message))
    return _one_sided(caller, entry, answer.peers, table, findings, view, callee.key)


def _outside(caller: DeclaredService, entry: Entry, view: View) -> Call:
    answer = party_peers(entry.party, Direction.EGRESS, caller, view)
    if not answer.peers:
        return _refused(caller, entry, answer.findings[0], _state_of(answer.findings[0]))
    if answer.ports and not entry.ports:
        table = PortTable(((answer.reached, answer.ports),))
    else:
        table = resolve_ports((answer.reached,), entry.ports, pod_port)
    elsewhere = isinstance(entry.party, PodsParty) and entry.party.namespaces is not None
    findings = [*answer.findings, *(_unresolved(unresolved, elsewhere) for unresolved in table.unresolved)]
    return _one_sided(caller, entry, answer.peers, table, findings, view)


def _one_sided(
    caller: DeclaredService,
    entry: Entry,
    peers: tuple[Peer, ...],
    table: PortTable,
    findings: list[Finding],
    view: View,
    callee: ServiceKey | None = None,
) -> Call:
    origin = origin_of(caller, entry)
    egress = tuple(
        Half(own.selector, Flow(Direction.EGRESS, peer, ranges, origin))
        for _, ranges in table.rows
        for peer in peers
        for own in isolable(view.subject(caller.key))
    )
    edges = _edges(caller, entry, table, []) if peers else (_edge(caller, entry, _state_of(findings[0])),)
    problems = tuple(problem_of(caller, finding, entry.path) for finding in findings)
    return Call(callee, egress, edges=edges, problems=problems)


def _state_of(finding: Finding) -> EdgeState:
    """The state of a call without any rule: what a change in the cluster or its profile can mend is unresolved."""
    mendable = finding.code in (Code.CALLEE_NOT_FOUND, Code.PROFILE_INCOMPLETE, Code.UNKNOWN_PARTY)
    return EdgeState.UNRESOLVED if mendable else EdgeState.UNSUPPORTED


def _refused(
    caller: DeclaredService, entry: Entry, finding: Finding, state: EdgeState, callee: ServiceKey | None = None
) -> Call:
    problem = problem_of(caller, finding, entry.path)
    return Call(callee, edges=(_edge(caller, entry, state),), problems=(problem,))


def _edge(caller: DeclaredService, entry: Entry, state: EdgeState) -> Edge:
    ports = tuple(map(str, entry.ports))
    return Edge(caller.graph, caller.key, party_text(entry.party, caller.key.namespace), state, entry.path, ports)
