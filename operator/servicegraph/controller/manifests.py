"""The bodies of writes: a policy's manifest with what only the controller knows of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from servicegraph.compiler.emit.manifests import manifest
from servicegraph.controller.compare import Action
from servicegraph.controller.isolation import RESERVED
from servicegraph.controller.live import LivePolicy, Owner, is_graph
from servicegraph.controller.view import Wanted


def body(action: Action, wanted: Wanted) -> dict[str, Any]:
    """The complete object for a server-side apply; an update names the very object it was decided on."""
    found = manifest(wanted.policy, allow_all=action.open)
    metadata = found["metadata"]
    metadata["annotations"] = {**wanted.annotations, **metadata["annotations"]}
    metadata["ownerReferences"] = _references(action.owners)
    if action.live is not None:
        metadata["uid"] = action.live.uid
        metadata["resourceVersion"] = action.live.version
    if action.reserve:
        found["spec"] = RESERVED
    return found


def without_marks_of_others(action: Action, live: LivePolicy) -> dict[str, Any]:
    """A merge patch that takes away labels, annotations and owners that look like ours.

    Server-side apply removes only what we applied before; somebody else may have added them.
    """
    wanted = action.wanted
    owners = [owner for owner in live.owners if owner in action.owners or not is_graph(owner)]
    return {
        "metadata": {
            "resourceVersion": live.version,
            "labels": {key: None for key in live.labels if wanted and key not in wanted.labels},
            "annotations": {key: None for key in live.annotations if wanted and key not in wanted.annotations},
            "ownerReferences": _references(owners),
        }
    }


def without_additions(written: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch that takes away fields which were not written, but for those of the metadata.

    Server-side apply leaves what others add to the objects of a custom resource: `egressDeny`, `specs`, a label that
    is selected.
    """
    said = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    return _additions(written, said)


def _additions(written: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {key: None for key in live if key not in written}
    for key in live.keys() & written.keys():
        if isinstance(live[key], dict) and (inner := _additions(written[key], live[key])):
            found[key] = inner
    return found


def _references(owners: Iterable[Owner]) -> list[dict[str, str]]:
    return [
        {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name, "uid": owner.uid} for owner in owners
    ]
