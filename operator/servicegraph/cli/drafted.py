"""Drafts of graphs as JSON, the same for every command that writes some."""

from typing import Any

from servicegraph.adopt.draft import Draft, DraftEntry, resource


def item(draft: Draft) -> dict[str, Any]:
    """A graph, and each of its services with what is only proposed."""
    return {
        "graph": resource(draft),
        "services": [
            {
                "name": service.name,
                "written": service.written,
                "review": list(service.review),
                "accepts": [_entry(entry) for entry in service.accepts],
                "calls": [_entry(entry) for entry in service.calls],
            }
            for service in draft.services
        ],
    }


def _entry(entry: DraftEntry) -> dict[str, Any]:
    return {
        "value": dict(entry.value),
        "written": entry.written,
        "seen": list(entry.seen),
        "review": list(entry.review),
    }
