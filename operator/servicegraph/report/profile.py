"""A ClusterProfile as commented YAML."""

from collections.abc import Mapping

import msgspec

from servicegraph.model.profile import ClusterProfile
from servicegraph.report.blocks import block, comments

_HEADER = (
    "The ClusterProfile of this cluster, written by `servicegraph doctor --profile`: read it, then commit it.",
    "docs/cluster-profile.md explains every field.",
)


def profile_yaml(profile: ClusterProfile, notes: Mapping[str, tuple[str, ...]]) -> str:
    """The profile, above each field what is to be said of it."""
    fields = msgspec.json.decode(msgspec.json.encode(profile))
    head = {"apiVersion": profile.api_version, "kind": profile.kind}
    parts = [comments(_HEADER), block(head)]
    for field in dict.fromkeys((*fields, *notes)):
        parts.append(comments(notes.get(field, ())))
        if field in fields and field not in head:
            parts.append(block({field: fields[field]}))
    return "".join(parts)
