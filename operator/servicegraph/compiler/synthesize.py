"""Flows become policies: one for each selector term of a service, all its directions in one object (R1, R18)."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from servicegraph.compiler.emit.names import DEFAULT_DENY, exemption_name
from servicegraph.compiler.engines import engine_of
from servicegraph.compiler.normalize import spread
from servicegraph.compiler.subjects import Subject
from servicegraph.compiler.terms import Term
from servicegraph.compiler.view import Half, isolable
from servicegraph.model.cluster import Listening
from servicegraph.model.graph import DeclaredService, Graph
from servicegraph.model.policy import (
    ANY_PEER,
    Declared,
    Direction,
    Engine,
    Flow,
    Mode,
    Origin,
    Policy,
    PolicyKind,
    Rule,
)
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.profile import ClusterProfile
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import EVERYTHING, Selector

Directions = tuple[Direction, ...]


def declare(service: DeclaredService, subject: Subject, halves: Iterable[Half]) -> tuple[Declared, ...]:
    """What the graphs say for each selector of a service, by selector; only the directions it adopts."""
    flows: dict[Selector, list[Flow]] = defaultdict(list)
    for half in halves:
        if half.flow.direction in service.directions:
            flows[half.subject].append(half.flow)
    isolated = service.directions if service.mode is not Mode.OFF else ()
    return tuple(
        Declared(
            namespace=service.key.namespace,
            subject=selector,
            service=service.key,
            isolated=isolated,
            flows=tuple(flows.get(selector, ())) if isolated else (),
            draining=all(term.draining for term in terms),
            graph=service.graph,
            path=service.path,
            mode=service.mode,
        )
        for selector, terms in sorted(_by_selector(subject).items())
    )


def service_policies(
    service: DeclaredService,
    subject: Subject,
    declared: tuple[Declared, ...],
    deny: Policy | None,
    profile: ClusterProfile,
) -> tuple[Policy, ...]:
    """The policies of a service. `deny` is the default deny of its namespace; exemptions share its mode."""
    denied = deny.directions if deny is not None and deny.mode is Mode.ENFORCE else ()
    terms = _by_selector(subject)
    policies: list[Policy] = []
    for said in declared:
        if service.mode is not Mode.OFF:
            policies += _term_policies(
                service, said, terms[said.subject], denied, engine_of(service, said.flows, profile)
            )
        if service.mode is not Mode.ENFORCE and deny is not None:
            policies.append(_exemption(service, said.subject, deny))
    return tuple(policies)


def default_deny(graphs: Iterable[Graph]) -> Policy | None:
    """The default deny of a namespace: there is one while any of its graphs asks for it (R18)."""
    asking = [g for g in graphs if g.isolation == "Namespace" and g.mode is not Mode.OFF]
    enforcing = [g for g in asking if g.mode is Mode.ENFORCE]
    chosen = enforcing or asking
    if not chosen:
        return None
    first = min(chosen, key=lambda g: g.key)
    return Policy(
        namespace=first.key.namespace,
        name=DEFAULT_DENY,
        kind=PolicyKind.DEFAULT_DENY,
        graph=first.key,
        service=None,
        subject=EVERYTHING,
        directions=tuple(d for d in Direction if any(d in g.directions for g in chosen)),
        ingress=(),
        egress=(),
        mode=first.mode,
    )


def denied(deny: Policy) -> Declared:
    """What the default deny of a namespace says: that its pods are isolated, and nothing is open to them by it."""
    return Declared(deny.namespace, isolated=deny.directions, graph=deny.graph, path=".spec.isolation", mode=deny.mode)


def overflow(graph: Graph, policies: Iterable[Policy], profile: ClusterProfile) -> list[Problem]:
    """Subjects with more entries than the policy map of a pod holds (Cilium: one for each peer and port)."""
    if profile.engine.name != "Cilium":
        return []
    entries: dict[tuple[ServiceKey | None, Selector], int] = defaultdict(int)
    for policy in policies:
        for rule in (*policy.ingress, *policy.egress):
            entries[policy.service, policy.subject] += len(rule.peers) * len(rule.ports or (None,))
    most = profile.engine.policy_map_size
    return [
        Problem(
            Code.POLICY_MAP_OVERFLOW,
            Severity.WARNING,
            graph.key,
            ".spec.services",
            f"{service} needs {count} entries of the {most} in a pod's policy map: accept its callers by namespace or "
            "a shared label, or raise bpf-policy-map-max",
        )
        for (service, _), count in sorted(entries.items(), key=str)
        if count > most
    ]


def _term_policies(
    service: DeclaredService, said: Declared, terms: list[Term], denied: Directions, engine: Engine
) -> tuple[Policy, ...]:
    open_directions = [d for d in denied if d not in service.directions]
    path = f"{service.path}.directions"
    flows = said.flows + tuple(
        Flow(d, ANY_PEER, None, Origin(service.graph, path, f"{service.key.name} does not adopt {d.value}"))
        for d in open_directions
    )
    current = [term.listening for term in terms if not term.draining]
    former = [term.listening for term in terms if term.draining]
    listening, drained = (_merged(current), former) if current else (former[0], former[1:])
    whole = Policy(
        namespace=service.key.namespace,
        name="",
        kind=PolicyKind.SERVICE,
        graph=service.graph,
        service=service.key,
        subject=said.subject,
        directions=tuple(d for d in Direction if d in service.directions or d in open_directions),
        ingress=(),
        egress=(),
        engine=engine,
        mode=service.mode,
        draining=said.draining,
        listening=listening,
        drained=tuple(drained),
    )
    return spread(whole, flows)


def _merged(listenings: list[Listening]) -> Listening:
    """How pods are reached that several terms of a service select by the same labels."""
    if len(listenings) == 1:
        return listenings[0]
    services = {item for listening in listenings for item in listening.services}
    pods = {port for listening in listenings for port in listening.pods}
    return Listening(tuple(sorted(services, key=msgspec.json.encode)), tuple(sorted(pods, key=msgspec.json.encode)))


def _exemption(service: DeclaredService, subject: Selector, deny: Policy) -> Policy:
    origin = Origin(service.graph, f"{service.path}.mode", f"{service.key.name} is {service.mode.value}")
    allow_all = (Rule((ANY_PEER,), None, (origin,)),)
    return Policy(
        namespace=service.key.namespace,
        name=exemption_name(service.key.name, subject),
        kind=PolicyKind.EXEMPTION,
        graph=service.graph,
        service=service.key,
        subject=subject,
        directions=deny.directions,
        ingress=allow_all if Direction.INGRESS in deny.directions else (),
        egress=allow_all if Direction.EGRESS in deny.directions else (),
        mode=deny.mode,
    )


def _by_selector(subject: Subject) -> dict[Selector, list[Term]]:
    terms: dict[Selector, list[Term]] = defaultdict(list)
    for term in isolable(subject):
        terms[term.selector].append(term)
    return terms
