"""Drafts of graphs as commented YAML: above every entry where it was seen, what is only proposed as a comment."""

from collections.abc import Iterable

from servicegraph.adopt.draft import Draft, DraftEntry, DraftService, resource
from servicegraph.report.blocks import block, commented_out, comments

_SERVICE, _ENTRY = 2, 4
"""Columns at which a service and its entries begin."""


def drafts_yaml(drafts: Iterable[Draft]) -> str:
    """All drafts as one YAML stream."""
    return "".join(f"---\n{draft_yaml(draft)}" for draft in drafts)


def draft_yaml(draft: Draft) -> str:
    """One graph as a YAML document."""
    written = resource(draft)
    head = {key: written[key] for key in ("apiVersion", "kind", "metadata")}
    parts = [comments(draft.header), block(head), "spec:\n"]
    parts += [block(dict(draft.fields), _SERVICE)] if draft.fields else []
    services = "".join(_service(service) for service in draft.services)
    empty = not any(service.written for service in draft.services)
    parts += [block({"services": []}, _SERVICE) if empty else "  services:\n", services]
    return "".join(parts)


def _service(service: DraftService) -> str:
    text = block([{"name": service.name, **service.fields}])
    text += _entries("accepts", service.accepts) + _entries("calls", service.calls)
    said = comments(map(_review, service.review), _SERVICE)
    return said + (_moved(text, _SERVICE) if service.written else commented_out(text, _SERVICE))


def _entries(field: str, entries: tuple[DraftEntry, ...]) -> str:
    """A list of entries, a comment as a whole where all of it is only proposed."""
    if not entries:
        return ""
    written = any(entry.written for entry in entries)
    column = _ENTRY - _SERVICE
    parts = [f"{' ' * column}{field}:\n" if written else ""]
    for entry in entries:
        parts.append(comments((*(f"seen in {place}" for place in entry.seen), *map(_review, entry.review)), column))
        text = block([dict(entry.value)])
        if entry.written:
            parts.append(_moved(text, column))
        else:
            parts.append(commented_out(text if written else f"{field}:\n{text}", column))
    return "".join(parts)


def _review(what: str) -> str:
    return f"review: {what}"


def _moved(text: str, column: int) -> str:
    return "".join(f"{' ' * column}{line}" for line in text.splitlines(keepends=True))
