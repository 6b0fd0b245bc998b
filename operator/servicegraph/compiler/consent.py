"""Whether a callee of another namespace takes a call, and at which ports (R7)."""

import msgspec

from servicegraph.compiler.parties import limited
from servicegraph.compiler.ports import PortTable, Ranges, pod_port, resolve_ports, service_port
from servicegraph.compiler.terms import Term
from servicegraph.compiler.view import View
from servicegraph.model.graph import Entry
from servicegraph.model.ports import WrittenPort, subtract_ranges
from servicegraph.model.refs import ServiceKey


class Consent(msgspec.Struct, frozen=True):
    """The pod ports at which each term of a callee takes a caller; `whole` when some acceptance names no ports."""

    granted: dict[Term, Ranges]
    whole: bool


def is_accepted(callee: ServiceKey, caller: ServiceKey, view: View) -> bool:
    """Whether a declared callee takes a caller at any port."""
    said = view.mentions(callee)
    return bool(said.accepts.get(caller) or said.anyone)


def consent_of(callee: ServiceKey, caller: ServiceKey, terms: tuple[Term, ...], view: View) -> Consent:
    """What a declared callee accepts of a caller: by its name, or because it takes anyone."""
    said = view.mentions(callee)
    by_name = [entry for entry in said.accepts.get(caller, ()) if limited(entry.party, view.profile) is None]
    anyone = [entry for entry in said.anyone if limited(entry.party, view.profile) is None]
    tables = [resolve_ports(terms, entry.ports, service_port) for entry in by_name]
    tables += [resolve_ports(terms, entry.ports, pod_port) for entry in anyone]
    granted: dict[Term, Ranges] = dict.fromkeys(terms, ())
    for table in tables:
        for term, ranges in table.rows:
            granted[term] += ranges
    return Consent(granted, any(not entry.ports for entry in by_name))


def ports_waiting(entry: Entry, table: PortTable, consent: Consent) -> list[WrittenPort | None]:
    """The written ports (None: all) that wait for consent at some term.

    One that leads nowhere waits as well, unless the callee takes the caller at all its ports: what ports there are is
    told to those only.
    """
    found: list[WrittenPort | None] = []
    nowhere = () if consent.whole else tuple(unresolved.port for unresolved in table.unresolved)
    for port in entry.ports or (None,):
        wanted = [(term, service_port(term, port).ranges) for term, _ in table.rows if not term.draining]
        if port in nowhere or any(subtract_ranges(ranges, consent.granted[term]) for term, ranges in wanted):
            found.append(port)
    return found
