"""What the live default deny of a namespace means for the other policies of the planner (R18).

Nothing may rely on the wanted deny alone: the live one can be older, held by a graph in DryRun or invalid, or refused.
"""

import msgspec

from servicegraph.compiler.emit.manifests import spec_of
from servicegraph.compiler.emit.names import DEFAULT_DENY, HASH_ANNOTATION, digest
from servicegraph.controller.live import LivePolicy, Standing, standing
from servicegraph.controller.policykinds import spec_digest
from servicegraph.controller.view import NamespaceView, Wanted
from servicegraph.model.policy import ANY_PEER, Direction, Origin, Policy, Rule
from servicegraph.model.selectors import EVERYTHING

_NEVER = "servicegraph.dev/no-pod"
RESERVED = {
    "podSelector": {
        "matchExpressions": [{"key": _NEVER, "operator": "Exists"}, {"key": _NEVER, "operator": "DoesNotExist"}]
    },
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [],
    "egress": [],
}
_RESERVED_DIGEST = spec_digest(RESERVED)
Directions = tuple[Direction, ...]


def live_denied(view: NamespaceView) -> Directions:
    """The directions that the live default deny cuts for pods that nothing allows anything."""
    deny = view.live.get(DEFAULT_DENY)
    if deny is None or deny.spec == _RESERVED_DIGEST or standing(deny, view.uids) is not Standing.OURS:
        return ()
    return deny.directions


def widens(deny: Policy, live: LivePolicy | None) -> bool:
    """Whether a default deny would deny more than the live one."""
    return live is None or live.subject != EVERYTHING or not set(deny.directions) <= set(live.directions)


def opened(wanted: Wanted, denied: Directions) -> Wanted:
    """A policy with an allow-all for the denied directions that it does not have."""
    policy = wanted.policy
    missing = [direction for direction in denied if direction not in policy.directions]
    if policy.name == DEFAULT_DENY or not missing:
        return wanted
    origin = Origin(policy.graph, ".spec.isolation", f"{policy.name} while {DEFAULT_DENY} is live")
    allow_all = (Rule((ANY_PEER,), None, (origin,)),)
    policy = msgspec.structs.replace(
        policy,
        directions=tuple(d for d in Direction if d in policy.directions or d in missing),
        ingress=allow_all if Direction.INGRESS in missing else policy.ingress,
        egress=allow_all if Direction.EGRESS in missing else policy.egress,
    )
    spec = digest(spec_of(policy), 32)
    return msgspec.structs.replace(
        wanted, policy=policy, spec=spec, annotations={**wanted.annotations, HASH_ANNOTATION: spec}
    )
