"""Names of things: a (namespace, name) pair that says which kind of thing it names."""

from typing import NamedTuple


class ServiceKey(NamedTuple):
    """A service of a graph, or a Service or workload that plays one for an undeclared party."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class GraphKey(NamedTuple):
    """A ServiceGraph."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class WorkloadKey(NamedTuple):
    """A workload: anything with a pod template or a scale subresource. `group` is the API group."""

    namespace: str
    group: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"
