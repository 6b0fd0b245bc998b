"""Entries that open far more than one peer or port and do not say why. A `reason` answers each of them."""

from collections.abc import Iterator

from servicegraph.answers.lint.scene import Said, Scene
from servicegraph.compiler.entries import selector_text
from servicegraph.model.addresses import network
from servicegraph.model.graph import AddressParty, Place, PlaceParty, PodsParty, ServiceParty
from servicegraph.model.problems import Code, Problem, Severity
from servicegraph.model.refs import ServiceKey
from servicegraph.model.selectors import Operator, Selector

MOST_PORTS = 4_096
"""Ports that one entry may open without a reason."""

NARROWEST = {4: 8, 6: 16}
"""The shortest prefix that an address block may have without a reason, by IP version: registries hand out none.

https://www.iana.org/assignments/ipv4-address-space
"""

_EXCLUDING = (Operator.NOT_IN, Operator.DOES_NOT_EXIST)


def too_wide(scene: Scene) -> Iterator[Problem]:
    """WideCIDR, WideNamespaces, WidePorts and UnexplainedAnywhere."""
    inner = _inner(scene)
    for said in scene.said():
        if said.entry.reason:
            continue
        party = said.entry.party
        if isinstance(party, AddressParty) and (found := _cidr(party)):
            yield said.problem(Code.WIDE_CIDR, Severity.WARNING, found)
        if isinstance(party, PodsParty) and party.namespaces and _excludes(party.namespaces):
            yield said.problem(Code.WIDE_NAMESPACES, Severity.WARNING, _namespaces(party.namespaces))
        if isinstance(party, PlaceParty) and party.place is Place.ANYWHERE and (found := _anywhere(said, inner)):
            yield said.problem(Code.UNEXPLAINED_ANYWHERE, Severity.WARNING, found)
        if (opened := sum(port.end - port.start + 1 for port in said.entry.ports if port.is_range)) > MOST_PORTS:
            message = f"it opens {opened:,} ports: name those that are used, or write a `reason`"
            yield said.problem(Code.WIDE_PORTS, Severity.WARNING, message)


def _cidr(party: AddressParty) -> str | None:
    block = network(party.cidr)
    if block.prefixlen >= NARROWEST[block.version]:
        return None
    share = "every address there is" if not block.prefixlen else f"1/{2**block.prefixlen} of all addresses"
    return f"{party.cidr} is {share}: name the addresses that are meant, write internet: true, or write a `reason`"


def _excludes(selector: Selector) -> bool:
    """Whether a selector says only what it does not select, and so selects whatever comes tomorrow."""
    return bool(selector.requirements) and all(r.operator in _EXCLUDING for r in selector.requirements)


def _namespaces(selector: Selector) -> str:
    return (
        f"{selector_text(selector)} selects every other namespace, those of the cluster itself and of tomorrow "
        "included: select by a label that they have, or write a `reason`"
    )


def _inner(scene: Scene) -> dict[ServiceKey, ServiceKey]:
    """Services that others call and that call no service themselves, each with a caller."""
    called: dict[ServiceKey, ServiceKey] = {}
    calling: set[ServiceKey] = set()
    for graph in scene.graphs:
        for service in graph.services:
            for entry in service.calls:
                if isinstance(entry.party, ServiceParty) and entry.party.key != service.key:
                    called.setdefault(entry.party.key, service.key)
                    calling.add(service.key)
    return {callee: caller for callee, caller in called.items() if callee not in calling}


def _anywhere(said: Said, inner: dict[ServiceKey, ServiceKey]) -> str | None:
    if said.entry.default:
        return (
            "as a default it opens every service that has the port to anybody: name who needs it, or write a `reason`"
        )
    caller = inner.get(said.service.key)
    if caller is None:
        return None
    return (
        f"{said.service.key.name} stands at the end of a chain of calls ({caller.name} calls it), and is open to "
        "anybody all the same: leave it to the calls, or write a `reason`"
    )
