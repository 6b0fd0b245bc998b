"""Policies as commented YAML: above every rule, the entries of the graphs behind it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from servicegraph.compiler.emit import manifests as emit
from servicegraph.compiler.emit import names
from servicegraph.model.policy import Mode, Origin, Policy, PolicyKind, Rule
from servicegraph.report.blocks import block, commented_out, comments

Place = Callable[[Origin], str]
"""`file:line` of an entry."""

_DRY_RUN = ("mode: DryRun, so this is to be read and not to be applied.",)
_HEADER = (
    "Written by `servicegraph render`. Do not edit: change the ServiceGraphs and render again.",
    "Above each rule stand the entries of the graphs behind it.",
)


def rendered(policy: Policy) -> dict[str, Any]:
    """The manifest of a policy under its name in rendered files: nothing in it says that it is the operator's (R15)."""
    manifest = emit.manifest(policy)
    metadata = manifest["metadata"]
    metadata["name"] = names.rendered_name(metadata["name"])
    metadata["labels"] = metadata["labels"] | {names.MANAGED_BY_LABEL: names.RENDERED_BY}
    metadata.pop("annotations", None)
    return manifest


def commented_yaml(policies: Iterable[Policy], place: Place | None = None) -> str:
    """All policies as one YAML stream, those of DryRun as comments. With `place`, each entry with its line."""
    return comments(_HEADER) + "".join(_document(policy, place) for policy in in_order(policies))


def in_order(policies: Iterable[Policy]) -> list[Policy]:
    """By namespace and name, default denies last: applied from top to bottom, nothing declared is cut meanwhile."""
    return sorted(policies, key=lambda policy: (policy.namespace, policy.kind is PolicyKind.DEFAULT_DENY, policy.name))


def _document(policy: Policy, place: Place | None) -> str:
    heading = comments(_title(policy))
    if policy.mode is Mode.DRY_RUN:
        return "\n" + heading + comments(_DRY_RUN) + commented_out(_manifest(policy, place))
    return "---\n" + heading + _manifest(policy, place)


def _manifest(policy: Policy, place: Place | None) -> str:
    manifest = rendered(policy)
    spec = manifest.pop("spec")
    rules = {"ingress": policy.ingress, "egress": policy.egress}
    parts = [block(manifest), "spec:\n"]
    for field, value in spec.items():
        if rules.get(field):
            parts.append(_rules(field, value, rules[field], place))
        else:
            parts.append(block({field: value}, 2))
    return "".join(parts)


def _rules(field: str, manifests: Sequence[Any], rules: Sequence[Rule], place: Place | None) -> str:
    """The rules of a direction, each below its origins."""
    parts = [f"  {field}:\n"]
    for manifest, rule in zip(manifests, rules, strict=True):
        parts.append(comments((_origin(origin, place) for origin in rule.origins), 2))
        parts.append(block([manifest], 2))
    return "".join(parts)


def _origin(origin: Origin, place: Place | None) -> str:
    return f"{origin} ({place(origin)})" if place else str(origin)


def _title(policy: Policy) -> list[str]:
    """Whose policy it is, and what is not usual about it."""
    if policy.kind is PolicyKind.DEFAULT_DENY:
        title = [f"Namespace {policy.namespace}: what no other policy allows is denied, for every pod."]
    else:
        title = [f"{policy.service}, of the ServiceGraph {policy.graph}."]
    if policy.parts > 1:
        title.append(f"Part {policy.part + 1} of {policy.parts}: the parts add up.")
    return title
