"""Lookups that pass beside the DNS rule of pods that may ask for some names only.

Cilium learns the addresses of names from answers that it has seen, and a rule without names lets all of them pass.
https://docs.cilium.io/en/stable/security/policy/language/#dns-policy-and-ip-discovery
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from servicegraph.model.policy import ANY_PEER, Declared, Direction, Flow, LookupPeer
from servicegraph.model.selectors import overlap
from servicegraph.verify import portsets
from servicegraph.verify.causes import Cause
from servicegraph.verify.grants import View, World
from servicegraph.verify.policies import NetworkPolicy

_EVERY = "*"


class Bypass(NamedTuple):
    """A rule that lets pods ask a resolver for any name, although `flow` lets them ask for some."""

    declared: Declared
    flow: Flow
    cause: Cause


def bypasses(
    declared: Iterable[Declared],
    policies: Iterable[NetworkPolicy],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Bypass, ...]:
    """The rules without names that reach a resolver from pods whose questions are limited, each told once."""
    world = World(namespaces or {})
    policies = [policy for policy in policies if Direction.EGRESS in policy.directions]
    found: dict[tuple[str, Cause], Bypass] = {}
    for said in declared:
        flows = [flow for flow in said.flows if isinstance(flow.peer, LookupPeer)]
        for policy in policies if flows else ():
            if policy.namespace == said.namespace and overlap(policy.subject, said.subject):
                view = View(world, said.namespace, Direction.EGRESS)
                for flow in flows:
                    for cause in _around(flow, policy, view):
                        found.setdefault((str(said.service), cause), Bypass(said, flow, cause))
    return tuple(found[key] for key in sorted(found, key=str))


def _around(flow: Flow, policy: NetworkPolicy, view: View) -> Iterable[Cause]:
    assert isinstance(flow.peer, LookupPeer)
    asked = list(view.grants(flow.peer.resolver, portsets.of_flow(flow.ports)))
    for number, rule in enumerate(policy.egress):
        for n, peer in enumerate(rule.peers or (ANY_PEER,)):
            if not isinstance(peer, LookupPeer) or _EVERY in peer.names:
                grants = view.grants(peer, portsets.of_rule(rule.ports))
                if any(view.both(grant, resolver) for grant in grants for resolver in asked):
                    yield Cause(policy.key, policy.place(Direction.EGRESS, number, n))
