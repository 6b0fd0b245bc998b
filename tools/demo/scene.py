"""What every chapter of the story needs at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.demo.changes import Change, Observation, Outcome
from tools.demo.manifests import Manifest, collection
from tools.demo.rules import labelled, peers, policies_of, subject
from tools.demo.screen import Screen
from tools.demo.team import Team
from tools.demo.watch import Watch

GRAPHS = "servicegraph.dev/v1alpha1"
POLICIES = "networking.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the summary: what was done, how many policies were written, and when the last one was seen."""

    title: str
    written: int
    unchanged: int
    last_ms: float


@dataclass(frozen=True, slots=True)
class Scene:
    """The shop in its namespace: whom to ask, what to watch, and what was measured so far."""

    screen: Screen
    team: Team
    namespace: str
    graph: Manifest
    app: list[Manifest]
    policies: Watch
    graphs: Watch
    pods: Watch
    patience: float
    rows: list[Row] = field(default_factory=list)

    def path(self, api_version: str, kind: str, name: str) -> str:
        """The URL path of an object of the shop."""
        return f"{collection(api_version, kind, self.namespace)}/{name}"

    async def count(self, api_version: str, kind: str) -> int:
        """How many objects of a kind the shop has."""
        return len((await self.team.client.get(collection(api_version, kind, self.namespace)))["items"])

    @property
    def graph_name(self) -> str:
        """The ServiceGraph's name."""
        return str(self.graph["metadata"]["name"])

    def find(self, kind: str, name: str) -> Manifest:
        """An object of the application, as it is in the repository."""
        return next(one for one in self.app if one["kind"] == kind and one["metadata"]["name"] == name)

    def observe(self) -> Observation:
        """What happens to policies from now on."""
        return Observation(self.policies)

    def policy_of(self, service: str, labels: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The policy of a service whose pods have exactly these labels."""
        of_service = policies_of(self.policies.objects, service).values()
        return next((one for one in of_service if subject(one) == labelled(labels)), None)

    def naming(self, labels: Mapping[str, str], service: str | None = None) -> list[str]:
        """The policies, of one service or of all, that have the pods with these labels as a peer."""
        found = self.policies.objects if service is None else policies_of(self.policies.objects, service)
        return [name for name, policy in found.items() if labelled(labels) in peers(policy)]

    def record(self, title: str, changes: list[Change]) -> float:
        """Keep a line for the summary; when the last change of the step was seen, in milliseconds."""
        last = max((change.after_ms for change in changes if change.after_ms is not None), default=0.0)
        unchanged = sum(change.outcome is Outcome.UNCHANGED for change in changes)
        self.rows.append(Row(title, len(changes) - unchanged, unchanged, last))
        return last
