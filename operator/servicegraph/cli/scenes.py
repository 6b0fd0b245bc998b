"""From what a command read to what the answers ask of, and from their names back to files and lines."""

from typing import Any

from servicegraph.answers.edits import Edit, PolicyEdit
from servicegraph.answers.scene import Found, Scene
from servicegraph.cli.reading import Reading
from servicegraph.model.policy import Origin
from servicegraph.model.refs import GraphKey
from servicegraph.sources.documents import Document
from servicegraph.verify.policies import NetworkPolicy, PolicyKey


def scene_of(reading: Reading) -> Scene:
    """Everything that was read, ready to be asked about."""
    return Scene(
        reading.graphs,
        reading.cluster,
        reading.profile,
        found_policies(reading),
        reading.pods,
        as_found=reading.as_found,
    )


def found_policies(reading: Reading) -> list[Found]:
    """The policies that were read, with the labels that say whose they are."""
    return [Found(policy, _labels(policy, reading)) for policy in reading.policies]


def _labels(policy: NetworkPolicy, reading: Reading) -> dict[str, str]:
    metadata = reading.manifests[policy.key].data.get("metadata") or {}
    return {str(key): str(value) for key, value in (metadata.get("labels") or {}).items()}


class Places:
    """Where entries and policies stand, as ` (file:line)`; nothing for what stands in no file."""

    def __init__(self, reading: Reading) -> None:
        self._graphs = reading.documents
        self._policies = reading.manifests

    def of_origin(self, origin: Origin) -> str:
        """The place of an entry."""
        return _shown(self._graphs.get(origin.graph), origin.path)

    def of_path(self, graph: GraphKey, path: str) -> str:
        """The place of a path in a graph."""
        return _shown(self._graphs.get(graph), path)

    def of_policy(self, key: PolicyKey) -> str:
        """The place of a policy that was found."""
        return _shown(self._policies.get(key), "")

    def path(self, graph: GraphKey, path: str) -> tuple[str, int]:
        """File and line of a path in a graph."""
        document = self._graphs.get(graph)
        return (document.file, document.line(path)) if document else ("", 0)

    def policy(self, key: PolicyKey) -> tuple[str, int]:
        """File and line of a policy that was found."""
        document = self._policies.get(key)
        return (document.file, document.line("")) if document else ("", 0)

    def json(self, origin: Origin) -> dict[str, Any]:
        """An entry with its place, as every command's JSON has it."""
        document = self._graphs.get(origin.graph)
        return {
            "graph": str(origin.graph),
            "path": origin.path,
            "text": origin.text,
            "file": document.file if document else "",
            "line": document.line(origin.path) if document else 0,
        }

    def at(self, edit: Edit | PolicyEdit) -> tuple[str, int]:
        """File and line where a change is made."""
        document = self._graphs.get(edit.graph) if isinstance(edit, Edit) else self._policies.get(edit.policy)
        return (document.file, document.line(edit.path)) if document else ("", 0)


def _shown(document: Document | None, path: str) -> str:
    line = document.line(path) if document else 0
    return f" ({document.file}:{line})" if document and line else ""
