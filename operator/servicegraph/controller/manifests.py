"""The bodies of writes: a policy's manifest with what only the controller knows of it."""

from typing import Any

from servicegraph.compiler.emit.kubernetes import manifest
from servicegraph.controller.compare import Action
from servicegraph.controller.plan import RESERVED
from servicegraph.controller.view import Wanted


def body(action: Action, wanted: Wanted) -> dict[str, Any]:
    """The complete object for a server-side apply; an update carries the resourceVersion it was decided on."""
    found = manifest(wanted.policy, allow_all=action.open)
    metadata = found["metadata"]
    metadata["annotations"] = {**wanted.annotations, **metadata["annotations"]}
    metadata["ownerReferences"] = [
        {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name, "uid": owner.uid}
        for owner in action.owners
    ]
    if action.live is not None:
        metadata["resourceVersion"] = action.live.version
    if action.reserve:
        found["spec"] = RESERVED
    return found
